import type { LambdaError } from '../../core/base/errors.js'
import type { Answer, StreamedResponse, Task } from '../../core/contracts/executor.js'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import type { ByteStream } from '../../core/streams/byte-stream.js'
import type { DebugTarget } from '../debug/target.js'

/** A streamed response and the work that produces it. */
export interface LocalStream extends StreamedResponse {
  readonly body: ByteStream
  /**
   * Resolves when the code is done and its stream has ended: then the worker may run another invocation. Never rejects.
   */
  readonly over: Promise<void>
}

/** A worker's result of an invocation. */
export type WorkerOutcome = Answer | LocalStream

/** The parts of an invocation that a worker needs to start. */
export type WorkerOrigin = Pick<
  Task,
  'functionId' | 'environmentId' | 'build' | 'context' | 'env' | 'overrides' | 'invocationEnv'
>

/** A thread or process that runs the code of one execution environment, one invocation at a time. */
export interface LocalWorker {
  /** False if the worker has ended, or must not get another invocation. */
  readonly usable: boolean
  /** The memory that the worker last reported, in bytes. @default unknown */
  readonly memoryBytes?: number | undefined
  /** How debuggers reach the code. @default the worker cannot be debugged */
  readonly debug?: DebugTarget
  /**
   * Runs one invocation. Never rejects; settles when the worker ends, or when the response begins to stream.
   * `undefined` means that the worker ended before user code saw the invocation, so that another worker may run it.
   */
  run(task: Task): Promise<WorkerOutcome | undefined>
  /** Ends the worker at once, even during an invocation. Idempotent; resolves when nothing of the worker is left. */
  stop(): Promise<void>
}

/** A worker started before its function's first invocation, with no variables and no code. */
export interface PrewarmedWorker extends LocalWorker {
  /**
   * Sets the environment and loads the code. Called once, before the first `run`, even while the worker is still
   * starting.
   */
  begin(origin: WorkerOrigin): void
}

/** A worker started before there was code for it. It has the environment and the code's imports. */
export interface SpareWorker extends LocalWorker {
  /** Whether the worker has started and loaded its imports. `load` may be called earlier. */
  readonly ready: boolean
  /**
   * Loads the code. Called once, before the first `run`, even while the worker is still starting. Never rejects:
   * resolves when the code is loaded, with the error if it cannot be loaded, which the first invocation reports too, or
   * when the worker is stopped.
   */
  load(build: FunctionBuild): Promise<LambdaError | undefined>
}
