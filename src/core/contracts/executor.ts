import type { LambdaError } from '../base/errors.js'
import type { FunctionBuild } from './function-source.js'
import type { InvocationContext } from './handler.js'
import type { AbortOptions } from './transport.js'

/** One line that local code wrote. */
export interface LogEntry {
  readonly stream: 'stdout' | 'stderr'
  /** Without its line break. */
  readonly text: string
  /** Unix milliseconds. */
  readonly time: number
  /** Set for a JSON line with a level, as loggers write. */
  readonly level?: LogLevel
}

/** Levels of common loggers. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** One invocation, as given to an executor: bytes in, bytes out. */
export interface Task {
  readonly functionId: string
  /** The remote execution environment; an executor keeps one worker for each, as Lambda does. */
  readonly environmentId: string
  readonly build: FunctionBuild
  /** The event's JSON, as the remote runtime received it. */
  readonly event: Uint8Array
  readonly context: InvocationContext
  /**
   * The whole environment of the local code. An executor adds `PATH`, `HOME` and the variables that its user allowed.
   */
  readonly env: Readonly<Record<string, string>>
  /** Variables set by the host. They override all others and none is left out. @default none */
  readonly overrides?: Readonly<Record<string, string>> | undefined
  /**
   * Variables of this invocation alone. They override all others while it runs; modules load without them.
   * @default none
   */
  readonly invocationEnv?: Readonly<Record<string, string>> | undefined
  /** When the function's time ends, in Unix milliseconds on this machine's clock. */
  readonly deadline: number
  /**
   * Called when a worker has taken the invocation, and again when that worker has loaded the code. Executors without
   * workers do not call it. Never throws.
   */
  onPhase?(phase: 'assigned' | 'loaded'): void
  /** Takes each line that the function writes. Never throws. */
  onLog(entry: LogEntry): void
}

/** How an invocation ends. */
export type Answer =
  /** The response's JSON. */
  | { readonly kind: 'value'; readonly body: Uint8Array }
  | { readonly kind: 'error'; readonly error: LambdaError }

/** A streamed response, from the moment it begins. */
export interface StreamedResponse {
  readonly kind: 'stream'
  /**
   * Set by the code. `application/vnd.awslambda.http-integration-response` means that `body` begins with a prelude: the
   * JSON of status and headers, then 8 NUL bytes.
   * @default unknown
   */
  readonly contentType?: string | undefined
  /**
   * The bytes that the code writes, as the official runtime client sends them. For a single reader, which may be slow:
   * while it does not read, at most a high-water mark is read ahead, and then the code's writes wait.
   *
   * It ends where the code ends its stream. Otherwise it throws after the bytes that came before: the function's error
   * (`toLambdaError` gives its type, message and trace), possibly before the first byte; the error of a time-out at the
   * task's deadline, or of code that exits; or a TetherError `ABORTED` once the signal fires. Calling `return()`, as
   * leaving a `for await` does, stops the code.
   */
  readonly body: AsyncIterable<Uint8Array>
}

/** The outcome of local code: its answer, or the beginning of a stream. */
export type Outcome = Answer | StreamedResponse

/** An executor's workers and counts for one function. */
export interface ExecutorStats {
  /** Threads or processes alive now, spares included. */
  readonly workers: number
  /** Of these, the spares for the next save, started and with everything loaded that can be loaded ahead: 0 or 1. */
  readonly spares: number
  /** Invocations that waited for a worker to start and load its code. */
  readonly coldStarts: number
  readonly reloads: number
  /**
   * Memory of its workers at their last report, where they report it: the heap of a thread, all memory of a process.
   */
  readonly memoryBytes: number
  /** The port on 127.0.0.1 where a debugger attaches to its workers. @default none was asked for */
  readonly inspectPort?: number | undefined
}

/** Runs local code. */
export interface Executor extends AsyncDisposable {
  /** For messages: `inline`, `worker-threads`. */
  readonly name: string
  /** True where local code runs on the session's own event loop: the session then acknowledges before it starts. */
  readonly sharesEventLoop?: boolean | undefined
  /**
   * Runs one invocation. Everything that local code does (throw, exit, loop past the deadline) is an outcome. Firing
   * the signal stops the code, and the promise rejects. For code that streams, the promise resolves when the stream
   * begins: at its first write, its end or its failure. Deadline and signal then apply until the stream has ended.
   * @throws TetherError `ABORTED`, `CLOSED`, `UNSUPPORTED`
   */
  execute(task: Task, options?: AbortOptions): Promise<Outcome>
  /**
   * Switches a function to new code. Running invocations finish on the old code; later ones get the new code, in a
   * worker that never ran the old. Resolves when the new code is loaded in the worker of the next invocation, or at
   * once if nothing is loaded ahead. Invocations do not wait for this promise; only `session.reload()` and the `reload`
   * event do.
   * @param build the new code. @default the build of the next invocation's task
   * @throws TetherError `BUILD_FAILED` when the new code could not be loaded; invocations fail with the reason, too
   */
  reload(functionId: string, build?: FunctionBuild): Promise<void>
  /**
   * Starts as much as possible before the first invocation of a function, although its environment is not known yet.
   */
  prewarm?(functionId: string, build: FunctionBuild): void
  /** Statistics by function id. */
  stats?(): Readonly<Record<string, ExecutorStats>>
  /** Lets running invocations finish, then stops every worker. Idempotent. */
  close(): Promise<void>
}
