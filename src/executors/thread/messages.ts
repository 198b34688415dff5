import type { LambdaError } from '../../core/base/errors.js'
import type { LogEntry } from '../../core/contracts/executor.js'
import type { InvocationContext } from '../../core/contracts/handler.js'
import type { HandlerCode } from '../entry/load-handler.js'

/** What a worker thread is started with. */
export interface ThreadData {
  /** Everything goes over this port; `parentPort` is left to user code, which may break it. */
  readonly port: import('node:worker_threads').MessagePort
  /** One 32-bit number: the sequence number of the invocation that user code saw last. */
  readonly begun: Int32Array
  /** A module to import before the handler's is known. */
  readonly dependencies?: string
  readonly env: Readonly<Record<string, string>>
}

/** Host to thread: load the handler. Comes once, before any `run`. */
export interface LoadMessage extends HandlerCode {
  readonly kind: 'load'
  /** What to set first, for a thread that was started with nothing. */
  readonly env?: Readonly<Record<string, string>>
}

/** Host to thread: run one invocation. */
export interface RunMessage {
  readonly kind: 'run'
  /** Counts the thread's invocations, from 1. */
  readonly sequence: number
  readonly event: Uint8Array
  readonly context: InvocationContext
  /** Unix milliseconds on the machine's clock. */
  readonly deadline: number
  /** What changed in the environment since the last invocation; `null` removes a variable. */
  readonly envChanges?: Readonly<Record<string, string | null>>
}

/** Host to thread: so many bytes of its streamed response have been read. */
export interface CreditMessage {
  readonly kind: 'credit'
  readonly sequence: number
  readonly bytes: number
}

/** How many bytes of a streamed response a thread sends ahead of their being read. */
export const STREAM_WINDOW_BYTES = 256 * 1024

/** Thread to host. What an invocation wrote always comes before its end. */
export type ThreadMessage =
  | {
      readonly kind: 'output'
      /** 0: while the module loaded, before the first invocation arrived. */
      readonly sequence: number
      readonly stream: LogEntry['stream']
      readonly text: string
      readonly time: number
    }
  /** The thread has started, and imported its dependencies or failed to. */
  | { readonly kind: 'ready'; readonly memoryBytes: number }
  /** The handler's module has been evaluated, or could not be, for that error. */
  | { readonly kind: 'loaded'; readonly memoryBytes: number; readonly error?: LambdaError }
  | {
      readonly kind: 'value'
      readonly sequence: number
      readonly body: Uint8Array
      /** What the thread holds on its heap and beside it. */
      readonly memoryBytes: number
    }
  /** The handler has begun to stream. What follows of the stream is `chunk` and `end`. */
  | { readonly kind: 'stream'; readonly sequence: number; readonly contentType: string }
  | { readonly kind: 'chunk'; readonly sequence: number; readonly bytes: Uint8Array }
  /** The stream is over, for that error or for none; its handler may still run. */
  | { readonly kind: 'end'; readonly sequence: number; readonly error?: LambdaError }
  /** The handler is done and its stream is over. */
  | { readonly kind: 'streamed'; readonly sequence: number; readonly memoryBytes: number }
  | {
      readonly kind: 'error'
      readonly sequence: number
      readonly error: LambdaError
      /** The thread is in no state to run another invocation. */
      readonly fatal: boolean
    }
  /** Something failed while no invocation ran; the thread is in no state to run one. */
  | { readonly kind: 'broken'; readonly error: LambdaError }
