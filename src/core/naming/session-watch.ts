import type { Clock } from '../base/clock.js'
import type { TetherError } from '../base/errors.js'
import type { PresenceMessage, PresenceState } from '../wire/protocol.js'

/** After nobody was there, nobody is waited for again for this long. */
const AT_ONCE_MS = 10_000

/** Whether a session is there, as far as an execution environment knows. */
export class SessionWatch {
  readonly #clock: Clock
  #state: PresenceState | undefined
  #session = ''
  #sequence = 0
  #until = Number.NEGATIVE_INFINITY
  #error: TetherError | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The session has said that it is closed, and none has been heard since. */
  get closed(): boolean {
    return this.#state === 'closed'
  }

  /** Whether anything of what the broker keeps was heard. */
  get informed(): boolean {
    return this.#sequence > 0
  }

  /** Whether this says anything else than what was known. */
  isNews({ session, state }: PresenceMessage): boolean {
    return session !== this.#session || state !== this.#state
  }

  /** The broker says that a session is there. */
  get online(): boolean {
    return this.#state === 'online'
  }

  /** What ended the wait for a session a moment ago: it will not be waited for again so soon. */
  get error(): TetherError | undefined {
    return this.#clock.now() < this.#until ? this.#error : undefined
  }

  /** Nobody was there. */
  ended(error: TetherError): void {
    if (error.code !== 'NO_SESSION' && error.code !== 'UNREACHABLE') return
    this.#error = error
    this.#until = this.#clock.now() + AT_ONCE_MS
  }

  /** A session was heard. */
  heard(): void {
    if (this.#state !== 'online') this.#state = undefined
    this.#error = undefined
  }

  /** What the broker keeps. @returns false for what is older than what was known */
  told({ session, state, sequence }: PresenceMessage): boolean {
    if (session === this.#session && sequence <= this.#sequence) return false
    this.#session = session
    this.#sequence = sequence
    if (state === 'online') this.#error = undefined
    this.#state = state
    return true
  }
}
