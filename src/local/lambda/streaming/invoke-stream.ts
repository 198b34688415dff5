/** What Lambda's InvokeWithResponseStream answers: a response as the function writes it. */
export interface InvokeStream {
  readonly requestId: string
  /** What the function's runtime says of it, such as `text/event-stream`. */
  readonly contentType: string
  /**
   * Its bytes: the first 6 MB as fast as they are read, then 2 MB a second, 200 MB at most. Where the function fails they end, and
   * `end` says why. Leaving off early does not stop the function.
   */
  readonly body: AsyncIterable<Uint8Array>
  /** Resolves once the function has ended, which needs its bytes read. Never rejects. */
  readonly end: Promise<InvokeStreamEnd>
}

/** How a streamed response ended. */
export interface InvokeStreamEnd {
  /** Where the function failed, before or after its first byte. */
  readonly error?: InvokeStreamError | undefined
  /** The last 4 KB of what the function wrote meanwhile. */
  readonly logTail: string
  /** From the hand-over to the last byte; without the start. */
  readonly durationMs: number
  /** Present where an environment was started for it. */
  readonly initDurationMs?: number | undefined
}

/** Why a function that streams failed. */
export interface InvokeStreamError {
  /** Such as `TypeError` or `Sandbox.Timedout`. */
  readonly type: string
  /** Its JSON. */
  readonly payload: Uint8Array
}
