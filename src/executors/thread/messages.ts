import type { LambdaError } from '../../core/base/errors.js'
import type { LogEntry } from '../../core/contracts/executor.js'
import type { InvocationContext } from '../../core/contracts/handler.js'
import type { HandlerCode } from '../entry/load-handler.js'

/** Data for starting a worker thread. */
export interface ThreadData {
  /** All messages use this port; `parentPort` is left to user code, which may break it. */
  readonly port: import('node:worker_threads').MessagePort
  /** One 32-bit number: the sequence number of the last invocation that user code saw. */
  readonly begun: Int32Array
  /** A module to import before the handler's module is known. */
  readonly dependencies?: string
  readonly env: Readonly<Record<string, string>>
}

/** Host to thread: load the handler. Sent once, before any `run`. */
export interface LoadMessage extends HandlerCode {
  readonly kind: 'load'
  /** The environment to set first, for a thread that was started without one. */
  readonly env?: Readonly<Record<string, string>>
}

/** Host to thread: run one invocation. */
export interface RunMessage {
  readonly kind: 'run'
  /** Counts the thread's invocations, from 1. */
  readonly sequence: number
  readonly event: Uint8Array
  readonly context: InvocationContext
  /** Unix milliseconds on the system clock. */
  readonly deadline: number
  /** Changes of the environment since the last invocation; `null` removes a variable. */
  readonly envChanges?: Readonly<Record<string, string | null>>
}

/** Host to thread: this many bytes of the streamed response have been read. */
export interface CreditMessage {
  readonly kind: 'credit'
  readonly sequence: number
  readonly bytes: number
}

/** Bytes of a streamed response that a thread sends ahead of the reader. */
export const STREAM_WINDOW_BYTES = 256 * 1024

/** Thread to host. An invocation's output always precedes its end. */
export type ThreadMessage =
  | {
      readonly kind: 'output'
      /** 0 for output while the module loaded, before the first invocation arrived. */
      readonly sequence: number
      readonly stream: LogEntry['stream']
      readonly text: string
      readonly time: number
    }
  /** The thread has started, and has tried to import its dependencies. */
  | { readonly kind: 'ready'; readonly memoryBytes: number }
  /** The handler's module has been evaluated, or has failed with this error. */
  | { readonly kind: 'loaded'; readonly memoryBytes: number; readonly error?: LambdaError }
  | {
      readonly kind: 'value'
      readonly sequence: number
      readonly body: Uint8Array
      /** The thread's memory on its heap and outside it. */
      readonly memoryBytes: number
    }
  /** The handler has begun to stream. `chunk` and `end` follow. */
  | { readonly kind: 'stream'; readonly sequence: number; readonly contentType: string }
  | { readonly kind: 'chunk'; readonly sequence: number; readonly bytes: Uint8Array }
  /** The stream has ended, with an error if it failed; its handler may still run. */
  | { readonly kind: 'end'; readonly sequence: number; readonly error?: LambdaError }
  /** The handler is done and its stream has ended. */
  | { readonly kind: 'streamed'; readonly sequence: number; readonly memoryBytes: number }
  | {
      readonly kind: 'error'
      readonly sequence: number
      readonly error: LambdaError
      /** Whether the thread can run no further invocation. */
      readonly fatal: boolean
    }
  /** A failure between invocations; the thread can run no further invocation. */
  | { readonly kind: 'broken'; readonly error: LambdaError }
