import { onAbort } from '../../core/base/abort.js'
import type { Cancel } from '../../core/base/clock.js'
import { deferred } from '../../core/base/deferred.js'
import { HandlerError, TetherError } from '../../core/base/errors.js'
import type { Answer, Outcome, Task } from '../../core/contracts/executor.js'
import type { LocalStream } from './local-worker.js'

/** An invocation on its way through the pool. */
export class Job {
  task: Task
  /** Cancels the end by timeout. */
  cancelEnd: Cancel = () => {}
  /** The outcome for the caller. */
  readonly outcome: Promise<Outcome>
  readonly #over = deferred()
  #resolve: (outcome: Outcome) => void = () => {}
  #reject: (error: Error) => void = () => {}
  #unlisten: () => void = () => {}
  #body: LocalStream['body'] | undefined
  #settled = false

  constructor(task: Task) {
    this.task = task
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Resolves when the job has ended, including its stream. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  get settled(): boolean {
    return this.#settled
  }

  /** Calls `stop` if the signal fires before the job is over. */
  listen(signal: AbortSignal | undefined, stop: (signal: AbortSignal) => void): void {
    this.#unlisten = onAbort(signal, () => stop(signal as AbortSignal))
  }

  /** Gives the caller a streamed response; the job continues. */
  begin({ contentType, body }: Pick<LocalStream, 'contentType' | 'body'>): void {
    if (this.#settled) return
    this.#body = body
    this.#resolve({ kind: 'stream', contentType, body })
  }

  /**
   * Ends the job once; returns true the first time.
   * @param end the caller's outcome, or an error to throw. For a stream in progress: the error that breaks it off, if
   * any
   */
  settle(end: Answer | Error | undefined): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.cancelEnd()
    this.#unlisten()
    const body = this.#body
    if (end instanceof Error) body ? body.destroy(end) : this.#reject(end)
    else if (body === undefined) this.#resolve(end as Answer)
    else if (end?.kind === 'error') body.fail(new HandlerError(end.error))
    this.#over.resolve()
    return true
  }
}

/** Returns the error of a job that ends because the reader of its stream has left. */
export function readerLeft(): TetherError {
  return new TetherError('ABORTED', 'The reader of the response has left.')
}
