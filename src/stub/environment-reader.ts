import { type Clock, systemClock } from '../core/base/clock.js'
import { travellingEnvironment } from './travelling-environment.js'

/** Interval between reads: each variable costs about a microsecond, and a function has dozens. */
const READ_EVERY_MS = 1_000

/** Reads the environment variables for local code; caches those from `process.env` for a second. */
export class EnvironmentReader {
  readonly #source: Readonly<Record<string, string | undefined>>
  readonly #clock: Clock
  #variables: Readonly<Record<string, string>> = {}
  #token: string | undefined
  #readAt = Number.NEGATIVE_INFINITY

  /** @param source `process.env`, or another object, which is read on every call */
  constructor(source: Readonly<Record<string, string | undefined>>, clock: Clock = systemClock) {
    this.#source = source
    this.#clock = clock
  }

  /** The trace id that the runtime set for this invocation. */
  get traceId(): string | undefined {
    return this.#source._X_AMZN_TRACE_ID
  }

  /** Returns the variables. From `process.env`: the same object for a second, unless the session token has changed. */
  read(): Readonly<Record<string, string>> {
    const now = this.#clock.now()
    const token = this.#source.AWS_SESSION_TOKEN
    const isFresh = Math.abs(now - this.#readAt) < READ_EVERY_MS && token === this.#token
    if (isFresh && this.#source === process.env) return this.#variables
    this.#readAt = now
    this.#token = token
    this.#variables = travellingEnvironment(this.#source)
    return this.#variables
  }
}
