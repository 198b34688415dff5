import type { Cancel, Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { defined } from '../base/defined.js'
import { atMost } from '../base/delay.js'
import type { AbortOptions, SessionIdentity } from '../contracts/transport.js'
import type { Take } from '../sharing/take.js'
import type { PresenceMessage, PresenceState } from '../wire/protocol.js'
import { outranks } from './epochs.js'

export interface PresenceOptions {
  /** The minimum interval between replacements of the kept frame, in milliseconds. */
  readonly everyMs: number
  readonly clock: Clock
  /** The session's identity; its epoch may rise. */
  readonly identity: SessionIdentity
  seal(message: PresenceMessage): Uint8Array
  /** The session's card, published while it is online. */
  take(): Take | undefined
  /** Has the broker keep a frame in place of the previous one. @throws errors of the transport */
  keep(frame: Uint8Array): Promise<void>
  /** Called when the broker has confirmed that it keeps the latest frame. */
  onConfirmed(): void
  /** Called when another frame has replaced the published one. @param what describes that frame */
  onReplayed(what: string): void
}

/**
 * A broker that drops the frame does not report it. So the frame is sent again until it comes back: a second later, or
 * as soon as allowed.
 */
const CONFIRM_MS = 1_000
/** The minimum interval between repairs of a foreign frame. */
const REPAIR_EVERY_MS = 1_000
/** How often presence is renewed: stubs trust it for a day. */
const RENEW_MS = 12 * 3_600_000
/** The longest wait for the broker, at opening and at closing: longer than the slowest turn. */
const WITHIN_MS = 3_000
/**
 * Sequence numbers reserved for one connection: its will is newer than all its frames, and older than frames of the
 * next.
 */
const SEQUENCES = 1_000_000

/** Has the broker keep a session's presence, for stubs that connect later. */
export class Presence {
  readonly #options: PresenceOptions
  #sequence = 0
  #wanted: PresenceState | undefined
  /** Whether the wanted state has been published. */
  #said = true
  /** Ends the interval before the next replacement. A timer, so that setting the clock cannot prolong it. */
  #cancelRest: Cancel | undefined
  #cancelAgain: Cancel = () => {}
  /** Ends the interval before the next repair; `broken` if one is due then. */
  #cancelRepair: Cancel | undefined
  #broken = false
  #latest: Uint8Array | undefined
  #isConfirmed = false
  readonly #confirmed = deferred()
  readonly #goodbyeKept = deferred()
  #over = false

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** The frame for the broker to keep when the next connection ends without a goodbye. */
  will(): Uint8Array {
    this.#sequence = (Math.floor(this.#sequence / SEQUENCES) + 1) * SEQUENCES
    return this.#frame('lost', this.#sequence + SEQUENCES - 1)
  }

  /** Called when the connection is up, or the epoch was raised. */
  online(): void {
    if (!this.#over && this.#wanted !== 'leaving') this.#want('online')
  }

  /**
   * Resolves when the broker has confirmed to keep it, after three seconds at the latest. Once confirmed, resolves at
   * once.
   * @throws TetherError `ABORTED`
   */
  confirmed({ signal }: AbortOptions = {}): Promise<void> {
    return atMost(WITHIN_MS, this.#confirmed.promise, { clock: this.#options.clock, signal })
  }

  /**
   * Handles the frame that the broker keeps for this name. Replaces any frame but the session's latest.
   * @param message undefined if the frame is not authentic
   */
  hear(frame: Uint8Array, message: PresenceMessage | undefined): void {
    const { identity } = this.#options
    if (this.#over || this.#wanted === undefined) return
    if (this.#latest !== undefined && Buffer.compare(frame, this.#latest) === 0) {
      this.#confirmed.resolve()
      this.#isConfirmed = true
      this.#options.onConfirmed()
      return this.#again(RENEW_MS)
    }
    // Before the latest frame is confirmed, the frame there may be of another key, after a rotation, or of a previous
    // session.
    if (message === undefined)
      return this.#repair(
        this.#isConfirmed ? 'a frame that is not authentic, or of a session with another key,' : undefined,
      )
    if (outranks(message, identity)) return
    const { session, state, at } = message
    // An own frame that a later one replaces is still under way, or arrives late.
    if (session === identity.session && state === 'online' && !this.#isConfirmed) return
    // Also expected: the will of a connection that this session has left, or of a previous session.
    const expected = state === 'lost' || !this.#isConfirmed
    this.#repair(
      expected
        ? undefined
        : `the word '${state}' of session ${session}, said at ${new Date(Math.min(at, 8.64e15)).toISOString()},`,
    )
  }

  /** Accepts no more invocations, while some still run. */
  leaving(): void {
    if (!this.#over) this.#want('leaving')
  }

  /** Says goodbye. Resolves when the broker has it or cannot be reached, after three seconds at the latest. */
  async close(): Promise<void> {
    if (this.#over) return
    this.#end()
    this.#want('closed')
    await atMost(WITHIN_MS, this.#goodbyeKept.promise, this.#options)
    this.#cancelTimers()
  }

  /** Publishes nothing more: another session has the name. */
  abandon(): void {
    this.#end()
    this.#cancelTimers()
  }

  #end(): void {
    this.#over = true
    this.#confirmed.resolve()
  }

  #want(state: PresenceState): void {
    this.#cancelAgain()
    this.#wanted = state
    this.#said = false
    this.#isConfirmed = false
    if (this.#cancelRest === undefined) void this.#keep(state)
  }

  async #keep(state: PresenceState): Promise<void> {
    const { clock, everyMs } = this.#options
    this.#said = true
    if (everyMs > 0) this.#cancelRest = clock.schedule(everyMs, () => this.#rested())
    if (state !== 'closed') this.#again(state === 'online' ? Math.max(CONFIRM_MS, everyMs) : RENEW_MS)
    this.#latest = this.#frame(state, ++this.#sequence)
    try {
      await this.#options.keep(this.#latest)
    } catch {
      // There is no connection: the next one publishes it.
    }
    if (state === 'closed') this.#goodbyeKept.resolve()
  }

  #again(afterMs: number): void {
    this.#cancelAgain()
    const wanted = this.#wanted!
    this.#cancelAgain = this.#options.clock.schedule(afterMs, () => this.#want(wanted))
  }

  #repair(what: string | undefined): void {
    if (what !== undefined) this.#options.onReplayed(what)
    if (this.#cancelRepair !== undefined) {
      this.#broken = true
      return
    }
    this.#broken = false
    this.#want(this.#wanted!)
    this.#cancelRepair = this.#options.clock.schedule(REPAIR_EVERY_MS, () => {
      this.#cancelRepair = undefined
      if (this.#broken) this.#repair(undefined)
    })
  }

  #rested(): void {
    this.#cancelRest = undefined
    if (!this.#said && this.#wanted !== undefined) void this.#keep(this.#wanted)
  }

  #frame(state: PresenceState, sequence: number): Uint8Array {
    const { identity, clock } = this.#options
    const { session, epoch } = identity
    const take = state === 'online' ? this.#options.take() : undefined
    return this.#options.seal({
      type: 'presence',
      session,
      epoch,
      state,
      sequence,
      at: clock.now(),
      ...defined({ take }),
    })
  }

  #cancelTimers(): void {
    this.#cancelRest?.()
    this.#cancelAgain()
    this.#cancelRepair?.()
  }
}
