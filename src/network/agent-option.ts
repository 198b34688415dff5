import type { Agent, ClientRequest, RequestOptions } from 'node:http'
import { type Check, mustBe } from '../core/base/options.js'

/** The option `agent`, which opens sockets in place of Node's own functions. */
export interface AgentOptions {
  /**
   * Opens this side's sockets: an `http.Agent` or `https.Agent`, for example from the packages `https-proxy-agent` and
   * `socks-proxy-agent`. Used for every address, and never destroyed. `false` connects directly and ignores the
   * environment.
   * @default the proxy that `HTTPS_PROXY`, `HTTP_PROXY` (for `ws://` and `http://`) or `ALL_PROXY` names, except for
   * hosts in `NO_PROXY` and loopback addresses. Needs the packages `https-proxy-agent` and `proxy-from-env`
   */
  readonly agent?: Agent | false | undefined
}

/** The method by which Node's `ClientRequest` asks an agent for a socket. Subclasses of agents override it. */
export interface RequestAgent {
  addRequest(request: ClientRequest, options: RequestOptions): void
}

/** Checks the option `agent`. */
export const checkAgent: Check = (name, value) => {
  const isAgent = typeof (value as Partial<RequestAgent> | null)?.addRequest === 'function'
  mustBe('an http.Agent, or false to connect directly', value === false || isAgent, name, value)
}
