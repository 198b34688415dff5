import type { Agent } from 'node:http'
import { onAbort } from '../core/base/abort.js'
import { systemClock } from '../core/base/clock.js'
import type { AgentOptions } from './agent-option.js'
import { namesProxy, proxyFor } from './named-proxy.js'

/**
 * Returns the agent for one connection to `url`; undefined to connect directly.
 * @param signal aborts a CONNECT in progress
 * @throws TetherError `MISSING_DEPENDENCY`, `INVALID_OPTION` naming the variable
 */
export async function connectionAgent(
  url: URL,
  { agent }: AgentOptions,
  signal?: AbortSignal,
): Promise<Agent | undefined> {
  if (agent === false) return undefined
  const secure = /^(https|wss|mqtts):$/.test(url.protocol)
  if (agent === undefined && (await proxyFor(url, secure)) === undefined) return undefined
  // Loaded only here: direct connections do not need Node's HTTP client.
  const { RoutedAgent } = await import('./routed-agent.js')
  return new RoutedAgent({ secure, agent, limit: (stop) => onAbort(signal, stop) })
}

/** Agents for the request handler of an AWS SDK client. */
export interface ClientAgents {
  readonly httpAgent?: Agent
  readonly httpsAgent?: Agent | { readonly ca: string }
}

/** Returns agents for requests to hosts that are not known yet. @param connectTimeoutMs limit of each CONNECT */
export async function clientAgents(
  { agent, ca }: AgentOptions & { readonly ca?: string | undefined },
  connectTimeoutMs: number,
): Promise<ClientAgents> {
  if (agent === false || (agent === undefined && !namesProxy())) {
    return ca === undefined ? {} : { httpsAgent: { ca } }
  }
  const { RoutedAgent } = await import('./routed-agent.js')
  const options = { agent, ca, limit: (stop: () => void) => systemClock.schedule(connectTimeoutMs, stop) }
  return {
    httpAgent: new RoutedAgent({ ...options, secure: false }),
    httpsAgent: new RoutedAgent({ ...options, secure: true }),
  }
}
