import type { Agent } from 'node:http'
import { loadForProxy, type NamedProxy } from './named-proxy.js'
import { proxyUnreachable } from './proxy-failure.js'

/** Schedules `stop` for the end of the time limit; returns a function that cancels it. */
export type Limit = (stop: () => void) => () => void

/**
 * Returns an agent that opens each socket through a proxy, by CONNECT, for `http://` and `ws://` as well.
 * @param limit limit of each CONNECT
 * @throws TetherError `MISSING_DEPENDENCY`
 */
export async function proxyAgent({ url, variable }: NamedProxy, limit: Limit): Promise<Agent> {
  const { HttpsProxyAgent } = await loadForProxy(variable, () => import('https-proxy-agent'))
  const name = { address: url.host, namedBy: variable }
  type Connect = Parameters<InstanceType<typeof HttpsProxyAgent>['connect']>

  class NamedProxyAgent extends HttpsProxyAgent<string> {
    override async connect(...args: Connect) {
      // The package keeps a socket to a silent proxy open forever. Each attempt has its own agent, because socket
      // options can only be set on the agent.
      const attempt = new AbortController()
      const cancel = limit(() => attempt.abort())
      const once = new HttpsProxyAgent(url, { signal: attempt.signal } as object)
      try {
        return await once.connect(...args)
      } catch (cause) {
        throw proxyUnreachable(name, attempt.signal.aborted ? new Error('it did not answer in time') : cause)
      } finally {
        cancel()
      }
    }
  }
  return new NamedProxyAgent(url, { keepAlive: true })
}
