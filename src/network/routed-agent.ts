import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { RequestAgent } from './agent-option.js'
import { proxyFor } from './named-proxy.js'
import { type Limit, proxyAgent } from './proxy-agent.js'
import { type ProxyName, proxyRefused } from './proxy-failure.js'

/** How a {@link RoutedAgent} is made. */
export interface RoutedAgentOptions {
  /** Whether its requests use TLS. */
  readonly secure: boolean
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string | undefined
  /** Opens all sockets; its owner destroys it. @default as the environment says for each host */
  readonly agent?: Agent | undefined
  /** Of each CONNECT. */
  readonly limit: Limit
}

interface Way {
  readonly agent: Agent
  readonly proxy?: ProxyName
}

/** Sends each request by the way that is meant for its host, and explains a proxy's refusals. */
export class RoutedAgent extends Agent {
  readonly defaultPort: number
  readonly #options: RoutedAgentOptions
  readonly #direct: Agent
  /** By the proxy's URL. */
  readonly #proxies = new Map<string, Promise<Agent>>()

  constructor(options: RoutedAgentOptions) {
    super({ keepAlive: true })
    const { secure } = options
    this.#options = options
    this.defaultPort = secure ? 443 : 80
    this.#direct = secure ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true })
  }

  /** By which Node refuses an agent that does not fit a request. */
  get protocol(): string {
    const { agent, secure } = this.#options
    return (agent as { protocol?: string } | undefined)?.protocol ?? (secure ? 'https:' : 'http:')
  }

  // Node's constructor sets it.
  set protocol(_of: string) {}

  /** Overrides Node's own, which its types do not have. */
  addRequest(request: ClientRequest, options: RequestOptions): void {
    const { ca, secure } = this.#options
    // Agents that derive from `agent-base` otherwise look for `node:https` in the call stack, where it no longer is.
    const told = {
      secureEndpoint: secure,
      ...(secure && identityCheck(options)),
      ...options,
      ...(ca !== undefined && { ca }),
    }
    this.#way(options).then(
      ({ agent, proxy }) => {
        if (proxy !== undefined) explainRefusal(request, proxy, targetOf(options))
        ;(agent as unknown as RequestAgent).addRequest(request, told)
      },
      (error: Error) => fail(request, error),
    )
  }

  /** Ends the sockets that are its own. */
  override destroy(): void {
    this.#direct.destroy()
    for (const agent of this.#proxies.values())
      void agent.then(
        (made) => made.destroy(),
        () => {},
      )
  }

  async #way(options: RequestOptions): Promise<Way> {
    const { agent, secure, limit } = this.#options
    if (agent !== undefined) return { agent, proxy: { namedBy: "'agent'" } }
    const proxy = await proxyFor(new URL(`http://${targetOf(options)}`), secure)
    if (proxy === undefined) return { agent: this.#direct }
    const { url, variable } = proxy
    const made = this.#proxies.get(url.href) ?? proxyAgent(proxy, limit)
    this.#proxies.set(url.href, made)
    // It may be installed meanwhile.
    made.catch(() => this.#proxies.delete(url.href))
    return { agent: await made, proxy: { address: url.host, namedBy: variable } }
  }
}

// Node checks a certificate by the name that SNI has, which an address is not, and `https-proxy-agent` leaves the host out.
function identityCheck({ host }: RequestOptions): object | undefined {
  if (!host || isIP(host) === 0) return undefined
  return {
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      checkServerIdentity(host, certificate),
  }
}

/** Host and port, as a URL has them. */
function targetOf({ host, port }: RequestOptions): string {
  return `${host?.includes(':') ? `[${host}]` : host}:${port}`
}

// `https-proxy-agent` emits the answer to CONNECT, and would give a refusal to the request as if its server had sent it.
function explainRefusal(request: ClientRequest, proxy: ProxyName, target: string): void {
  request.once('proxyConnect', ({ statusCode = 0 }: IncomingMessage) => {
    if (statusCode !== 200) request.destroy(proxyRefused(proxy, target, statusCode))
  })
}

// A request without a socket tells of its error when it is given one, or this.
function fail(request: ClientRequest, error: Error): void {
  ;(request as unknown as { onSocket(socket: null, error: Error): void }).onSocket(null, error)
}
