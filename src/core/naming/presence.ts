import type { Cancel, Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { defined } from '../base/defined.js'
import { atMost } from '../base/delay.js'
import type { AbortOptions, SessionIdentity } from '../contracts/transport.js'
import type { Take } from '../sharing/take.js'
import type { PresenceMessage, PresenceState } from '../wire/protocol.js'
import { outranks } from './epochs.js'

export interface PresenceOptions {
  /** How often the broker lets what it keeps be replaced, in milliseconds. */
  readonly everyMs: number
  readonly clock: Clock
  /** Who is present; its epoch may rise. */
  readonly identity: SessionIdentity
  seal(message: PresenceMessage): Uint8Array
  /** What the session takes: its card, said while it is online. */
  take(): Take | undefined
  /** Has the broker keep a frame in place of the one before. @throws what the transport throws */
  keep(frame: Uint8Array): Promise<void>
  /** The broker was heard to keep what was said last. */
  onConfirmed(): void
  /** Somebody has put another frame in the place of what was said. @param what it is */
  onReplayed(what: string): void
}

/** A broker that drops it says nothing, so it is said again until it comes back: a second later, or when it may be. */
const CONFIRM_MS = 1_000
/** A frame that somebody else put there is replaced as often, at most. */
const REPAIR_EVERY_MS = 1_000
/** Said anew as often: stubs believe a word for a day. */
const RENEW_MS = 12 * 3_600_000
/** The longest wait for the broker, at opening and at closing: longer than the slowest turn. */
const WITHIN_MS = 3_000
/** A connection's own share of the numbers: its will is newer than all it says, and older than what the next one says. */
const SEQUENCES = 1_000_000

/** Has the broker keep a session's word that it is there, for stubs that connect later. */
export class Presence {
  readonly #options: PresenceOptions
  #sequence = 0
  #wanted: PresenceState | undefined
  /** Whether it has been said what is wanted. */
  #said = true
  /** Ends the time until the broker lets what it keeps be replaced: by a timer, which no clock that is set makes longer. */
  #cancelRest: Cancel | undefined
  #cancelAgain: Cancel = () => {}
  /** Ends the time until the next repair; `broken` where one is due then. */
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

  /**
   * What the broker keeps for this name. Whatever is not what this session said last is replaced.
   * @param message undefined where the frame is not authentic
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
    // What is there before the latest has been heard may be another key's, after a rotation, or what a session before said.
    if (message === undefined)
      return this.#repair(
        this.#isConfirmed ? 'a frame that is not authentic, or of a session with another key,' : undefined,
      )
    if (outranks(message, identity)) return
    const { session, state, at } = message
    // A word of its own that a later one replaces is on its way, or comes late.
    if (session === identity.session && state === 'online' && !this.#isConfirmed) return
    // Or the will of a connection that this session has left, or of the session before.
    const expected = state === 'lost' || !this.#isConfirmed
    this.#repair(
      expected
        ? undefined
        : `the word '${state}' of session ${session}, said at ${new Date(Math.min(at, 8.64e15)).toISOString()},`,
    )
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
    this.#cancelTimers()
  }

  /** Says nothing more: another session has the name. */
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
      // There is no connection: the next one says it.
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
