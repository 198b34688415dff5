import type { Agent } from 'node:http'
import { loadForProxy, type NamedProxy } from './named-proxy.js'
import { proxyUnreachable } from './proxy-failure.js'

/** Calls `stop` when it is time to give up; returns the cancellation of that. */
export type Limit = (stop: () => void) => () => void

/**
 * An agent that opens each socket through a proxy, by CONNECT, for `http://` and `ws://` as well.
 * @param limit of each CONNECT
 * @throws TetherError `MISSING_DEPENDENCY`
 */
export async function proxyAgent({ url, variable }: NamedProxy, limit: Limit): Promise<Agent> {
  const { HttpsProxyAgent } = await loadForProxy(variable, () => import('https-proxy-agent'))
  const name = { address: url.host, namedBy: variable }
  type Connect = Parameters<InstanceType<typeof HttpsProxyAgent>['connect']>

  class NamedProxyAgent extends HttpsProxyAgent<string> {
    override async connect(...args: Connect) {
      // The package leaves a socket to a silent proxy open for ever. An attempt has an agent of its own, since the options of its
      // sockets are the agent's.
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
