export { type TraceContext, tracingChannels } from '../core/base/diagnostics.js'
export type { OnSessionLost } from '../core/caller/options.js'
export type { StreamingHandler } from '../core/contracts/response-stream.js'
export { type StubBundle, type StubBundleName, stubBundle } from './bundle.js'
export { type StubEnvironmentOptions, type StubMode, stubEnvironment } from './configuration.js'
export {
  type CommonStubOptions,
  createStub,
  type StreamingStubHandler,
  type StreamingStubOptions,
  type StubHandler,
  type StubOptions,
} from './handler.js'
export { type StubKeyOptions, stubKey } from './key.js'
export type { OnNobody } from './outcome.js'
