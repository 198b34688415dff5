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
  /** Where the line is JSON that says so, as loggers write it. */
  readonly level?: LogLevel
}

/** As common loggers name them. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** One invocation, as an executor gets it: bytes in, bytes out. */
export interface Task {
  readonly functionId: string
  /** The remote execution environment; an executor keeps one worker for each, as Lambda does. */
  readonly environmentId: string
  readonly build: FunctionBuild
  /** The event's JSON, as the remote runtime received it. */
  readonly event: Uint8Array
  readonly context: InvocationContext
  /** The whole environment of the local code; an executor adds `PATH`, `HOME` and what its user allowed. */
  readonly env: Readonly<Record<string, string>>
  /** Variables that the host sets: they hold over all others, and none is left out. @default none */
  readonly overrides?: Readonly<Record<string, string>> | undefined
  /** Variables of this invocation alone: they hold over all others while it runs, and modules load without them. @default none */
  readonly invocationEnv?: Readonly<Record<string, string>> | undefined
  /** When the function's time ends, in Unix milliseconds on this machine's clock. */
  readonly deadline: number
  /**
   * Told when a worker has taken the invocation, and when that worker's code is loaded. An executor without workers tells nothing.
   * Never throws.
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

/** What code answers that streams, from the moment at which it began to. */
export interface StreamedResponse {
  readonly kind: 'stream'
  /**
   * As the code set it. `application/vnd.awslambda.http-integration-response` says that `body` begins with a prelude: the JSON of
   * status and headers, then 8 NUL bytes.
   * @default unknown
   */
  readonly contentType?: string | undefined
  /**
   * The bytes of the official runtime client, as the code writes them. For one reader, who may take its time: while it does not read, no more than
   * a high-water mark is read ahead, and then the code's writes wait.
   *
   * It ends where the code ended its stream, and otherwise throws, after the bytes that came before: with the function's error
   * (`toLambdaError` gives its type, message and trace), which may come before the first byte; with that of a time-out at the
   * task's deadline, and of code that exits; with a TetherError `ABORTED` once the signal fires. Calling `return()`, as leaving a
   * `for await` does, stops the code.
   */
  readonly body: AsyncIterable<Uint8Array>
}

/** What came of running local code: its answer, or the beginning of one. */
export type Outcome = Answer | StreamedResponse

/** What an executor has, and what it did, for one function. */
export interface ExecutorStats {
  /** Threads or processes that live now, spares included. */
  readonly workers: number
  /** Of these, how many stand by for the next save, started and with everything loaded that may be loaded ahead: 0 or 1. */
  readonly spares: number
  /** Invocations that waited for a worker to start and load its code. */
  readonly coldStarts: number
  readonly reloads: number
  /** What its workers held when each was last heard of, where they say so: the heap of a thread, all of a process. */
  readonly memoryBytes: number
  /** Where a debugger attaches to its workers, on 127.0.0.1. @default none was asked for */
  readonly inspectPort?: number | undefined
}

/** Runs local code. */
export interface Executor extends AsyncDisposable {
  /** For messages: `inline`, `worker-threads`. */
  readonly name: string
  /** True where local code runs on the session's own event loop: the session then acknowledges before it starts. */
  readonly sharesEventLoop?: boolean | undefined
  /**
   * Runs one invocation. Whatever local code does (throws, exits, loops past the deadline) is an outcome.
   * Firing the signal stops it, and the promise rejects. Where the code streams, the promise resolves when it has begun to: with its first
   * write, its end or its failure. Deadline and signal then hold until the stream has ended.
   * @throws TetherError `ABORTED`, `CLOSED`, `UNSUPPORTED`
   */
  execute(task: Task, options?: AbortOptions): Promise<Outcome>
  /**
   * What runs finishes on the old code; from this call on invocations of this function get the new, in a worker that never
   * ran the old. Resolves when the new code is loaded where the next invocation will run, or at once where nothing is
   * loaded ahead. Nobody waits for it but those who ask when a reload is done.
   * @param build the new code. @default that of the next invocation's task
   * @throws TetherError `BUILD_FAILED` where the new code could not be loaded; invocations are told why, too
   */
  reload(functionId: string, build?: FunctionBuild): Promise<void>
  /** Starts what can be started before the first invocation of a function, whose environment is not known yet. */
  prewarm?(functionId: string, build: FunctionBuild): void
  /** What it has and did, by function id. */
  stats?(): Readonly<Record<string, ExecutorStats>>
  /** Lets what runs finish, then stops every worker. Idempotent. */
  close(): Promise<void>
}
