import type { LambdaError } from '../../core/base/errors.js'
import type { Answer, StreamedResponse, Task } from '../../core/contracts/executor.js'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import type { ByteStream } from '../../core/streams/byte-stream.js'
import type { DebugTarget } from '../debug/target.js'

/** A response that is streamed, and the work that streams it. */
export interface LocalStream extends StreamedResponse {
  readonly body: ByteStream
  /** Resolves when the code is done and its stream is over: the worker may run another invocation then. Never rejects. */
  readonly over: Promise<void>
}

/** What a worker makes of an invocation. */
export type WorkerOutcome = Answer | LocalStream

/** Of an invocation, what a worker for it is started with. */
export type WorkerOrigin = Pick<
  Task,
  'functionId' | 'environmentId' | 'build' | 'context' | 'env' | 'overrides' | 'invocationEnv'
>

/** One thread or process that runs the code of one execution environment, one invocation at a time. */
export interface LocalWorker {
  /** False once it ended, or must not get another invocation. */
  readonly usable: boolean
  /** What it held when it was last heard of. @default unknown */
  readonly memoryBytes?: number | undefined
  /** How a debugger reaches its code. @default it cannot be debugged */
  readonly debug?: DebugTarget
  /**
   * Runs one invocation; never rejects, and settles when the worker ends, or when its response begins to stream. `undefined` means
   * that the worker ended before user code saw the invocation, so that another may run it.
   */
  run(task: Task): Promise<WorkerOutcome | undefined>
  /** Ends it at once, whatever runs in it. Idempotent; resolves when nothing of it is left. */
  stop(): Promise<void>
}

/** A worker that was started before its function was ever invoked: nothing is set and nothing loaded. */
export interface PrewarmedWorker extends LocalWorker {
  /** Sets its environment and has it load the code. Called once, before the first `run`, also while it still starts. */
  begin(origin: WorkerOrigin): void
}

/** A worker that was started before there was code for it: it has its environment, and what the code imports. */
export interface SpareWorker extends LocalWorker {
  /** Whether it has started and loaded what may be loaded ahead. It may be told to load before. */
  readonly ready: boolean
  /**
   * Has it load the code. Called once, before the first `run`, also while it still starts. Never rejects: resolves when the
   * code has been loaded, or with why it could not be, which its first invocation is told too, or when the worker was stopped.
   */
  load(build: FunctionBuild): Promise<LambdaError | undefined>
}
