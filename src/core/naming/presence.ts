import type { Cancel, Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { atMost } from '../base/delay.js'
import type { AbortOptions, SessionIdentity } from '../contracts/transport.js'
import type { PresenceMessage, PresenceState } from '../wire/protocol.js'
import { outranks } from './name-claim.js'

export interface PresenceOptions {
  /** How often the broker lets what it keeps be replaced, in milliseconds. */
  readonly everyMs: number
  readonly clock: Clock
  /** Who is present; its epoch may rise. */
  readonly identity: SessionIdentity
  seal(message: PresenceMessage): Uint8Array
  /** Has the broker keep a frame in place of the one before. @throws what the transport throws */
  keep(frame: Uint8Array): Promise<void>
}

/** A broker that drops it says nothing, so it is said again until it comes back: a second later, or when it may be. */
const CONFIRM_MS = 1_000
/** The longest wait for the broker, at opening and at closing: longer than the slowest turn. */
const WITHIN_MS = 3_000
/** A connection's own share of the numbers: its will is newer than all it says, and older than what the next one says. */
const SEQUENCES = 1_000_000

/** Has the broker keep a session's word that it is there, for stubs that connect later. */
export class Presence {
  readonly #options: PresenceOptions
  #sequence = 0
  #wanted: PresenceState | undefined
  #keptAt = Number.NEGATIVE_INFINITY
  #cancel: Cancel | undefined
  readonly #confirmed = deferred()
  readonly #goodbyeKept = deferred()
  #over = false

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** What the broker is to keep when the next connection ends without a goodbye. */
  will(): Uint8Array {
    this.#sequence = (Math.floor(this.#sequence / SEQUENCES) + 1) * SEQUENCES
    return this.#frame('lost', this.#sequence + SEQUENCES - 1)
  }

  /** The connection is up, or the epoch was raised. */
  online(): void {
    if (!this.#over && this.#wanted !== 'leaving') this.#want('online')
  }

  /**
   * Resolves when the broker has been heard to keep it, after three seconds at the latest. Once it was, at once.
   * @throws TetherError `ABORTED`
   */
  confirmed({ signal }: AbortOptions = {}): Promise<void> {
    return atMost(WITHIN_MS, this.#confirmed.promise, { clock: this.#options.clock, signal })
  }

  /** What the broker keeps for this name, whoever said it. */
  hear(message: PresenceMessage): void {
    const { identity } = this.#options
    const { session, epoch, state, sequence } = message
    if (this.#wanted !== 'online' || outranks(message, identity)) return
    if (session === identity.session && state === 'online') {
      // Of an epoch that was raised since, another word is on its way.
      if (sequence !== this.#sequence || epoch !== identity.epoch) return
      this.#confirmed.resolve()
      return this.#settle()
    }
    // The will of a connection that this session has left, or of the session before.
    this.#want('online')
  }

  /** Takes nothing more, while something still runs. */
  leaving(): void {
    if (!this.#over) this.#want('leaving')
  }

  /** Says goodbye; resolves when the broker has it or there is none to be had, after three seconds at the latest. */
  async close(): Promise<void> {
    if (this.#over) return
    this.#end()
    this.#want('closed')
    await atMost(WITHIN_MS, this.#goodbyeKept.promise, this.#options)
    this.#settle()
  }

  /** Says nothing more: another session has the name. */
  abandon(): void {
    this.#end()
    this.#settle()
  }

  #end(): void {
    this.#over = true
    this.#confirmed.resolve()
  }

  #want(state: PresenceState): void {
    const { clock, everyMs } = this.#options
    this.#settle()
    this.#wanted = state
    const dueMs = Math.min(everyMs, this.#keptAt + everyMs - clock.now())
    if (dueMs <= 0) void this.#keep(state)
    else this.#cancel = clock.schedule(dueMs, () => void this.#keep(state))
  }

  async #keep(state: PresenceState): Promise<void> {
    const { clock, everyMs } = this.#options
    this.#keptAt = clock.now()
    const againMs = Math.max(CONFIRM_MS, everyMs)
    if (state === 'online') this.#cancel = clock.schedule(againMs, () => this.#want(state))
    try {
      await this.#options.keep(this.#frame(state, ++this.#sequence))
    } catch {
      // There is no connection: the next one says it.
    }
    if (state === 'closed') this.#goodbyeKept.resolve()
  }

  #frame(state: PresenceState, sequence: number): Uint8Array {
    const { session, epoch } = this.#options.identity
    return this.#options.seal({ type: 'presence', session, epoch, state, sequence })
  }

  #settle(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}
