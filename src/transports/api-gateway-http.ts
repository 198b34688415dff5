import type { IncomingMessage } from 'node:http'
import * as http from 'node:http'
import * as https from 'node:https'
import type { Post, PostAnswer, Poster } from './api-gateway-posts.js'
import { SERVICE } from './api-gateway-transport.js'
import { managementUrl, postUrl } from './api-gateway-url.js'
import { type AwsCredentials, signedHeaders, signingTime } from './sigv4.js'

/** Where and as whom an {@link HttpPoster} posts. */
export interface HttpPosterOptions {
  /** As `apiGatewayUrl` gives it. */
  readonly url: string
  readonly region: string
  /** Read at each post. */
  readonly credentials: () => AwsCredentials
  readonly ca?: string
}

/** After a longer pause a kept-alive socket may be dead, and a frozen process was not told. */
const IDLE_MS = 20_000

/** Posts with Node's own client, which `ws` has loaded anyway: `fetch` would cost a cold start its loading. */
export class HttpPoster implements Poster {
  readonly #options: HttpPosterOptions
  readonly #management: string
  readonly #agent: http.Agent
  #usedAt = Number.NEGATIVE_INFINITY

  constructor(options: HttpPosterOptions) {
    this.#options = options
    this.#management = managementUrl(options.url)
    const { Agent } = this.#management.startsWith('https:') ? https : http
    this.#agent = new Agent({ keepAlive: true, ...(options.ca !== undefined && { ca: options.ca }) })
  }

  async post({ connectionId, text, at, signal }: Post): Promise<PostAnswer> {
    if (at - this.#usedAt > IDLE_MS) this.#dropIdle()
    this.#usedAt = at
    const { region, credentials } = this.#options
    const url = postUrl(this.#management, connectionId)
    const scope = { time: signingTime(at), region, service: SERVICE }
    const { request } = url.protocol === 'https:' ? https : http
    const { statusCode = 0, headers } = await new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(url, {
        method: 'POST',
        agent: this.#agent,
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
    return { statusCode, ...(headers.date !== undefined && { date: headers.date }) }
  }

  close(): void {
    this.#agent.destroy()
  }

  #dropIdle(): void {
    for (const sockets of Object.values(this.#agent.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy()
    }
  }
}
