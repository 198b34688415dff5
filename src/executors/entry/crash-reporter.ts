import type { LambdaError } from '../../core/base/errors.js'
import { toSafeError, unhandledRejection } from './reported-errors.js'
import type { RuntimeClient } from './runtime-client.js'
import type { RequestSink } from './streaming/request-sink.js'

// The managed runtime's exit codes.
const EXIT_REJECTION = 128
const EXIT_EXCEPTION = 129

/** Reports uncaught errors, to the running invocation or as a failed start, and exits. */
export class CrashReporter {
  readonly #client: RuntimeClient
  #state: 'init' | 'idle' | 'busy' | 'crashed' = 'init'
  #requestId = ''
  #stream: RequestSink | undefined

  constructor(client: RuntimeClient, process: NodeJS.Process) {
    this.#client = client
    process.on('uncaughtException', (error) => this.#report(toSafeError(error), EXIT_EXCEPTION))
    process.on('unhandledRejection', (reason) => this.#report(unhandledRejection(reason), EXIT_REJECTION))
  }

  /** The runtime waits for an invocation. */
  idle(): void {
    if (this.#state !== 'crashed') this.#state = 'idle'
  }

  /** The runtime runs this invocation. */
  busy(requestId: string): void {
    if (this.#state !== 'crashed') this.#state = 'busy'
    this.#requestId = requestId
    this.#stream = undefined
  }

  /** Sets the sink of the running invocation's response. */
  streams(sink: RequestSink): void {
    this.#stream = sink
  }

  /** Reports an error that the runtime cannot recover from. */
  crash(thrown: unknown, exitCode: number): void {
    this.#report(toSafeError(thrown), exitCode)
  }

  // Only the first error: later ones are consequences of it.
  #report(error: LambdaError, exitCode: number): void {
    const state = this.#state
    if (state === 'crashed') return
    this.#state = 'crashed'
    const exit = () => process.exit(exitCode)
    if (state === 'init') this.#client.failInit(error).then(exit, exit)
    else if (state === 'busy' && this.#stream === undefined) {
      this.#client.fail(this.#requestId, error).then(exit, exit)
    } else if (state === 'busy' && this.#stream?.crash(error)) void this.#stream.taken.then(exit)
    else {
      // There is no invocation to report to, or it has been answered: the next will find this process gone.
      process.stderr.write(`${error.trace.join('\n') || error.errorMessage}\n`, exit)
    }
  }
}
