import type { Transport } from '../core/contracts/transport.js'
import type { StubConfiguration } from './configuration.js'
import { parseExactly } from './exact-json.js'
import { type StreamingStubHandler, type StubHandler, stubHandler } from './handler.js'
import { inStubThread, serveStubThread } from './wrap/stub-thread-entry.js'

/**
 * Returns the `handler` export of a bundle: the stub in a function's place. In the thread beside a function that the
 * layer wraps, it also serves that function.
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
  // Lambda's runtime only serialises the result, so numbers that parseExactly() keeps as written are safe.
  return stubHandler(options, parseExactly)
}
