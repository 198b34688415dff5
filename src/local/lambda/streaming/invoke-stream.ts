/** The answer of Lambda's InvokeWithResponseStream: a response as the function writes it. */
export interface InvokeStream {
  readonly requestId: string
  /** Content type set by the function's runtime, such as `text/event-stream`. */
  readonly contentType: string
  /**
   * Its bytes: the first 6 MB as fast as they are read, then 2 MB a second, 200 MB at most. If the function fails, they
   * end, and `end` gives the reason. Stopping early does not stop the function.
   */
  readonly body: AsyncIterable<Uint8Array>
  /** Resolves once the function has ended, which requires reading its bytes. Never rejects. */
  readonly end: Promise<InvokeStreamEnd>
}

/** The end of a streamed response. */
export interface InvokeStreamEnd {
  /** Present if the function failed, before or after its first byte. */
  readonly error?: InvokeStreamError | undefined
  /** The last 4 KB of the function's output during the invocation. */
  readonly logTail: string
  /** From the hand-over to the last byte; excludes the start. */
  readonly durationMs: number
  /** Present if an environment was started for it. */
  readonly initDurationMs?: number | undefined
}

/** The error of a streaming function. */
export interface InvokeStreamError {
  /** The error's name, such as `TypeError` or `Sandbox.Timedout`. */
  readonly type: string
  /** The error as JSON. */
  readonly payload: Uint8Array
}
