import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as TlsAgent } from 'node:https'
import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { RequestAgent } from './agent-option.js'
import { proxyFor } from './named-proxy.js'
import { type Limit, proxyAgent } from './proxy-agent.js'
import { type ProxyName, proxyRefused } from './proxy-failure.js'

/** Options of a {@link RoutedAgent}. */
export interface RoutedAgentOptions {
  /** Whether its requests use TLS. */
  readonly secure: boolean
  /** PEM certificates to trust in place of the system's. */
  readonly ca?: string | undefined
  /** Opens all sockets; its owner destroys it. @default the environment's proxy for each host */
  readonly agent?: Agent | undefined
  /** Limit of each CONNECT. */
  readonly limit: Limit
}

interface Way {
  readonly agent: Agent
  readonly proxy?: ProxyName
}

/** Sends each request directly or through the proxy for its host, and explains a proxy's refusals. */
export class RoutedAgent extends Agent {
  readonly defaultPort: number
  readonly #options: RoutedAgentOptions
  readonly #direct: Agent
  /** Keyed by the proxy's URL. */
  readonly #proxies = new Map<string, Promise<Agent>>()

  constructor(options: RoutedAgentOptions) {
    super({ keepAlive: true })
    const { secure } = options
    this.#options = options
    this.defaultPort = secure ? 443 : 80
    this.#direct = secure ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true })
  }

  /** Node compares it with the protocol of a request, and refuses a mismatch. */
  get protocol(): string {
    const { agent, secure } = this.#options
    return (agent as { protocol?: string } | undefined)?.protocol ?? (secure ? 'https:' : 'http:')
  }

  // Node's constructor assigns it.
  set protocol(_of: string) {}

  /** Overrides Node's own method, which Node's types lack. */
  addRequest(request: ClientRequest, options: RequestOptions): void {
    const { ca, secure } = this.#options
    // Agents derived from `agent-base` otherwise look for `node:https` in the call stack, which no longer contains it.
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

  /** Destroys the agents that this one created. */
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
    // A missing package may be installed before the next request.
    made.catch(() => this.#proxies.delete(url.href))
    return { agent: await made, proxy: { address: url.host, namedBy: variable } }
  }
}

// Node checks a certificate against the SNI name. An IP address has none, and `https-proxy-agent` omits the host.
function identityCheck({ host }: RequestOptions): object | undefined {
  if (!host || isIP(host) === 0) return undefined
  return {
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      checkServerIdentity(host, certificate),
  }
}

/** Formats host and port as in a URL. */
function targetOf({ host, port }: RequestOptions): string {
  return `${host?.includes(':') ? `[${host}]` : host}:${port}`
}

// `https-proxy-agent` emits the answer to CONNECT. It would pass a refusal to the request as the target server's
// answer.
function explainRefusal(request: ClientRequest, proxy: ProxyName, target: string): void {
  request.once('proxyConnect', ({ statusCode = 0 }: IncomingMessage) => {
    if (statusCode !== 200) request.destroy(proxyRefused(proxy, target, statusCode))
  })
}

// A request without a socket reports its error only through onSocket().
function fail(request: ClientRequest, error: Error): void {
  ;(request as unknown as { onSocket(socket: null, error: Error): void }).onSocket(null, error)
}
