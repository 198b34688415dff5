export type {
  Executor,
  ExecutorStats,
  InvocationContext,
  LambdaContext,
  LogEntry,
  Outcome,
  Task,
} from '../core/executor.js'
export { type ChildProcessesOptions, childProcesses } from './child-process.js'
export { type InlineOptions, inline } from './inline.js'
export { type WorkerThreadsOptions, workerThreads } from './worker-thread.js'
