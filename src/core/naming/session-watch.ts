import type { Clock } from '../base/clock.js'
import type { TetherError } from '../base/errors.js'
import type { PresenceMessage, PresenceState } from '../wire/protocol.js'
import { isFarAhead, isFarApart, outranks } from './epochs.js'

/** How long a failed wait is remembered: until then, invocations fail at once. */
const AT_ONCE_MS = 10_000
/** A refusal is remembered twice as long as the previous one, up to this limit. */
const MAX_AT_ONCE_MS = 60_000
/** The first refusal may be an accident, such as a broker that restarts: the link tries again at once. */
const REFUSALS = 2

/** A recent wait that failed. */
export interface FailedWait {
  readonly error: Pick<TetherError, 'code' | 'cause' | 'details'>
  /**
   * When it failed, in Unix milliseconds; how long ago that was, and when it will be forgotten, in milliseconds from
   * now.
   */
  readonly at: number
  readonly agoMs: number
  readonly forgottenInMs: number
}

/** An execution environment's knowledge of whether a session is present. */
export class SessionWatch {
  readonly #clock: Clock
  #state: PresenceState | undefined
  #session = ''
  #epoch = 0
  #sequence = 0
  #failed: Pick<FailedWait, 'error' | 'at'> | undefined
  #refusals = 0
  #connected = false
  /**
   * Whether the last refusal ended a connection: only a session's answer disproves it, since the broker still delivers
   * presence.
   */
  #cut = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether the session has announced its close, and no other has been heard since. */
  get closed(): boolean {
    return this.#state === 'closed'
  }

  /** Whether a session is present, according to the broker. */
  get online(): boolean {
    return this.#state === 'online'
  }

  /** The session of the latest presence; empty before the first. */
  get session(): string {
    return this.#session
  }

  /** The remembered failed wait: as long as there is one, invocations fail at once. */
  get failedWait(): FailedWait | undefined {
    if (this.#failed === undefined) return undefined
    const { error, at } = this.#failed
    const agoMs = this.#clock.now() - at
    const forgottenInMs = this.#atOnceMs() - agoMs
    // Negative after the clock was set back: forget it.
    return agoMs >= 0 && forgottenInMs > 0 ? { error, at, agoMs, forgottenInMs } : undefined
  }

  /** Whether the broker refuses this environment; remembered. */
  get refused(): boolean {
    return this.#refusing && this.failedWait !== undefined
  }

  /** Records a call's failure; remembers it if no session was present. */
  failed(error: TetherError): void {
    if (error.code !== 'NO_SESSION' && error.code !== 'UNREACHABLE') return
    this.#failed = { error, at: this.#clock.now() }
  }

  /**
   * Called when an attempt failed or a connection ended.
   * @returns whether the broker refuses this environment, and not by accident
   */
  disconnected(cause: TetherError | undefined): boolean {
    const cut = this.#connected
    this.#connected = false
    if (!cause?.details.refused) return false
    this.#cut = cut
    this.#refusals++
    if (!this.#refusing) return false
    this.#failed = { error: { code: 'UNREACHABLE', cause, details: cause.details }, at: this.#clock.now() }
    return true
  }

  /** Called when a connection is up again. */
  connected(): void {
    this.#connected = true
    if (!this.#cut) this.#refusals = 0
    if (!this.#refusing && this.#failed?.error.code === 'UNREACHABLE') this.#failed = undefined
  }

  /** Called when a session was heard. */
  heard(session: string): void {
    this.#failed = undefined
    this.#refusals = 0
    this.#cut = false
    // Late messages of a closed session do not reopen it.
    if (this.closed && session === this.#session) return
    if (!this.online) this.#state = undefined
  }

  /**
   * Records presence from the broker.
   * @returns `old` if a later presence is known, or it is a day old or from the future; `first` for the first one;
   * `news` for another session or state; otherwise `same`
   */
  tell({ session, epoch, state, sequence, at }: PresenceMessage): 'old' | 'first' | 'news' | 'same' {
    const now = this.#clock.now()
    if (isFarAhead(epoch, now)) return 'old'
    if ((state === 'online' || state === 'leaving') && isFarApart(at, now)) return 'old'
    const known = { session: this.#session, epoch: this.#epoch }
    if (outranks(known, { session, epoch })) return 'old'
    if (session === this.#session && epoch === this.#epoch && sequence <= this.#sequence) return 'old'
    const news = session !== this.#session || state !== this.#state
    const told = this.#sequence === 0 ? 'first' : news ? 'news' : 'same'
    this.#session = session
    this.#epoch = epoch
    this.#sequence = sequence
    if (state === 'online' && !this.#refusing) this.#failed = undefined
    this.#state = state
    return told
  }

  get #refusing(): boolean {
    return this.#refusals >= REFUSALS
  }

  #atOnceMs(): number {
    return Math.min(MAX_AT_ONCE_MS, AT_ONCE_MS * 2 ** Math.max(0, this.#refusals - REFUSALS))
  }
}
