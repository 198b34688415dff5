import type { Agent, ClientRequest, RequestOptions } from 'node:http'
import { type Check, mustBe } from '../core/base/options.js'

/** What opens sockets in place of Node's own functions. */
export interface AgentOptions {
  /**
   * Opens this side's sockets: an `http.Agent` or `https.Agent`, such as those of the packages `https-proxy-agent` and
   * `socks-proxy-agent`. It is used for every address, and never destroyed. `false` connects directly, whatever the environment
   * says.
   * @default the proxy that `HTTPS_PROXY`, `HTTP_PROXY` (for `ws://` and `http://`) or `ALL_PROXY` names, but for hosts in
   * `NO_PROXY` and loopback addresses. It needs the packages `https-proxy-agent` and `proxy-from-env`
   */
  readonly agent?: Agent | false | undefined
}

/** The entry to an agent by which Node's `ClientRequest` asks it for a socket; subclasses of agents override it. */
export interface RequestAgent {
  addRequest(request: ClientRequest, options: RequestOptions): void
}

/** Checks the option `agent`. */
export const checkAgent: Check = (name, value) => {
  const isAgent = typeof (value as Partial<RequestAgent> | null)?.addRequest === 'function'
  mustBe('an http.Agent, or false to connect directly', value === false || isAgent, name, value)
}
