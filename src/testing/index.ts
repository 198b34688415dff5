export type { Command, ExecutorFeature, FunctionBehaviour } from './executor/behaviour.js'
export { type ExecutorConformanceOptions, executorConformance } from './executor/conformance.js'
export type { ExecutorUnderTest } from './executor/trial.js'
export {
  type Fault,
  type FaultKind,
  type FaultPlan,
  type FaultReport,
  type FaultyTransport,
  faulty,
} from './faults/faulty.js'
export {
  type PayloadStoreConformanceOptions,
  type PayloadStoreUnderTest,
  payloadStoreConformance,
} from './payload-store/conformance.js'
export type { SuiteOptions, TestFunction } from './suite.js'
export { type TransportConformanceOptions, transportConformance } from './transport/conformance.js'
export type { TransportFeature, TransportUnderTest } from './transport/trial.js'
