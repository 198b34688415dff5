import type { Clock } from '../base/clock.js'
import type { TetherError } from '../base/errors.js'
import type { PresenceMessage, PresenceState } from '../wire/protocol.js'

/** How long a failed wait is remembered: until then, invocations fail at once. */
const AT_ONCE_MS = 10_000

/** A wait that failed a moment ago. */
export interface FailedWait {
  readonly error: TetherError
  /** When it failed, in Unix milliseconds; how long ago that was, and in how long it is forgotten, in milliseconds. */
  readonly at: number
  readonly agoMs: number
  readonly forgottenInMs: number
}

/** Whether a session is there, as far as an execution environment knows. */
export class SessionWatch {
  readonly #clock: Clock
  #state: PresenceState | undefined
  #session = ''
  #sequence = 0
  #failed: { readonly error: TetherError; readonly at: number } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The session has said that it is closed, and no other has been heard since. */
  get closed(): boolean {
    return this.#state === 'closed'
  }

  /** The broker says that a session is there. */
  get online(): boolean {
    return this.#state === 'online'
  }

  /** The wait that failed a moment ago: nobody is waited for again so soon. */
  get failedWait(): FailedWait | undefined {
    if (this.#failed === undefined) return undefined
    const { error, at } = this.#failed
    const agoMs = this.#clock.now() - at
    // A clock that was set back since says nothing.
    return agoMs >= 0 && agoMs < AT_ONCE_MS
      ? { error, at, agoMs, forgottenInMs: AT_ONCE_MS - agoMs }
      : undefined
  }

  /** A call has failed; where nobody was there, that is remembered. */
  failed(error: TetherError): void {
    if (error.code !== 'NO_SESSION' && error.code !== 'UNREACHABLE') return
    this.#failed = { error, at: this.#clock.now() }
  }

  /** A connection is up again. */
  connected(): void {
    if (this.#failed?.error.code === 'UNREACHABLE') this.#failed = undefined
  }

  /** A session was heard. */
  heard(session: string): void {
    this.#failed = undefined
    // What was on its way when the session closed brings nobody back.
    if (this.closed && session === this.#session) return
    if (!this.online) this.#state = undefined
  }

  /**
   * Notes the broker's word about a session.
   * @returns `old` where a later one is known; the `first` one; `news` of another session or state; else `same`
   */
  tell({ session, state, sequence }: PresenceMessage): 'old' | 'first' | 'news' | 'same' {
    if (session === this.#session && sequence <= this.#sequence) return 'old'
    const news = session !== this.#session || state !== this.#state
    const told = this.#sequence === 0 ? 'first' : news ? 'news' : 'same'
    this.#session = session
    this.#sequence = sequence
    if (state === 'online') this.#failed = undefined
    this.#state = state
    return told
  }
}
