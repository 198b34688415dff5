export { type TraceContext, tracingChannels } from '../core/diagnostics.js'
export { type StubBundle, type StubBundleName, stubBundle } from './bundle.js'
export { type StubEnvironmentOptions, stubEnvironment } from './configuration.js'
export { createStub, type OnNobody, type StubHandler, type StubOptions } from './handler.js'
