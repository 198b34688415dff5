import { createStub, type StubHandler, type StubOptions } from './handler.js'
import { inStubThread, serveStubThread } from './stub-thread-entry.js'

/**
 * What a bundle exports as `handler`: the stub in a function's place. In the thread beside a function that the layer wraps
 * it serves that function besides.
 * @throws TetherError `INVALID_OPTION`
 */
export function deployedStub(options: StubOptions): StubHandler {
  if (inStubThread()) serveStubThread(options)
  return createStub(options)
}
