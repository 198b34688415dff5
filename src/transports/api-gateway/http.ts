import type { Agent, IncomingMessage } from 'node:http'
import type { SigningIdentity } from '../../aws/credentials.js'
import { signedHeaders } from '../../aws/sign-headers.js'
import { signingTime } from '../../aws/signature.js'
import { defined } from '../../core/base/defined.js'
import type { Post, PostAnswer, Poster } from './posts.js'
import { managementUrl, postUrl, SERVICE } from './url.js'

/** Options of {@link HttpPoster}: the API and the signing identity. */
export interface HttpPosterOptions {
  /** As `apiGatewayUrl` gives it. */
  readonly url: string
  readonly region: string
  /** Read at each post. */
  readonly credentials: () => SigningIdentity
  readonly ca?: string
}

/** After a longer pause a kept-alive socket may be dead: a frozen process does not see it close. */
const IDLE_MS = 20_000

/** Posts with Node's own client, loaded by the first post: a cold start sends its invocation through the relay. */
export class HttpPoster implements Poster {
  readonly #options: HttpPosterOptions
  readonly #management: string
  #agent: Agent | undefined
  #usedAt = Number.NEGATIVE_INFINITY

  constructor(options: HttpPosterOptions) {
    this.#options = options
    this.#management = managementUrl(options.url)
  }

  async post({ connectionId, text, at, signal }: Post): Promise<PostAnswer> {
    if (at - this.#usedAt > IDLE_MS) this.#dropIdle()
    this.#usedAt = at
    const { region, credentials, ca } = this.#options
    const url = postUrl(this.#management, connectionId)
    const scope = { time: signingTime(at), region, service: SERVICE }
    const { Agent, request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'))
    this.#agent ??= new Agent(defined({ keepAlive: true, ca }))
    const agent = this.#agent
    const { statusCode = 0, headers } = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(url, {
        method: 'POST',
        agent,
        signal,
        headers: {
          ...signedHeaders({ method: 'POST', url, body: text }, scope, credentials()),
          'content-length': Buffer.byteLength(text),
        },
      })
      asked.once('response', (response) => {
        // Read to its end, so that the socket can serve again.
        response.resume().once('close', () => resolve(response))
      })
      asked.on('error', reject)
      asked.end(text)
    })
    return defined({ statusCode, date: headers.date })
  }

  close(): void {
    this.#agent?.destroy()
  }

  #dropIdle(): void {
    for (const sockets of Object.values(this.#agent?.freeSockets ?? {})) {
      for (const socket of sockets ?? []) socket.destroy()
    }
  }
}
