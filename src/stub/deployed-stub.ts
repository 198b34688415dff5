import type { Transport } from '../core/contracts/transport.js'
import type { StubConfiguration } from './configuration.js'
import { parseExactly } from './exact-json.js'
import { type StreamingStubHandler, type StubHandler, stubHandler } from './handler.js'
import { inStubThread, serveStubThread } from './wrap/stub-thread-entry.js'

/**
 * What a bundle exports as `handler`: the stub in a function's place. In the thread beside a function that the layer wraps
 * it serves that function besides.
 * @throws TetherError `INVALID_OPTION`
 */
export function deployedStub(
  environment: StubConfiguration,
  transport: Transport,
): StubHandler | StreamingStubHandler {
  const { url, username, password, endpoint, frameBytes, ca, cert, certKey, ...others } = environment
  const { mode, mirrorMaxBytes, execWrapper, streaming, ...own } = others
  const options = streaming ? { ...own, transport, streaming } : { ...own, transport }
  if (inStubThread()) serveStubThread(options)
  // Lambda's runtime prints what the handler returns, and does nothing else with it.
  return stubHandler(options, parseExactly)
}
