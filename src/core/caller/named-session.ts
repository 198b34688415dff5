import type { Clock } from '../base/clock.js'
import { checkEndpoint, type Endpoint } from '../contracts/transport.js'
import { isFarAhead, isFarApart } from '../naming/epochs.js'
import { SessionWatch } from '../naming/session-watch.js'
import type { Invoked } from '../sharing/carriers.js'
import { type Taker, type Taking, takerOf } from '../sharing/taker.js'
import type { PresenceMessage, SessionMessage } from '../wire/protocol.js'
import type { CallEvent } from './call-state.js'
import type { CallerOptions } from './options.js'

/** An execution environment's knowledge of one session name. */
export class NamedSession {
  readonly name: string
  /** The stub's options, for this name. */
  readonly options: CallerOptions
  /** The name, with the lane that this environment sends to. */
  readonly to: Endpoint
  readonly watch: SessionWatch
  /** The session heard last, by a message or by presence. */
  heard: string | undefined
  /** The highest epoch heard. */
  epoch = 0
  /** Received outcomes that were not reported yet. */
  settled: string[] = []
  /** The session that has the variables with this fingerprint. */
  informed = { session: '', fingerprint: '' }
  readonly #clock: Clock
  #storeless: string | undefined
  /** The session's last card: the time of its signature, and the invocations that it takes. */
  #card: { readonly at: number; readonly taker: Taker } | undefined

  /** @throws TetherError `INVALID_OPTION` */
  constructor(options: CallerOptions, name: string, lane: number, clock: Clock) {
    const { app, stage } = options
    this.name = name
    this.options = { ...options, session: name }
    this.to = { ...checkEndpoint({ app, stage, role: 'session', name }), lane }
    this.watch = new SessionWatch(clock)
    this.#clock = clock
  }

  /** Whether the session heard last has no payload store. */
  get storeless(): boolean {
    return this.#storeless !== undefined && this.#storeless === this.heard
  }

  /** Handles a message of its session. @returns false to ignore it: its session lost the name, or has a broken clock */
  hears(message: SessionMessage): boolean {
    const { type, session, epoch } = message
    if (epoch < this.epoch || isFarAhead(epoch, this.#clock.now())) return false
    this.epoch = epoch
    this.heard = session
    this.watch.heard(session)
    if (type === 'url' && message.key === undefined) this.#storeless = session
    return true
  }

  /**
   * Handles presence from the broker, which may be a recording placed there.
   * @returns the event for calls, or undefined
   */
  tells(message: PresenceMessage): CallEvent | undefined {
    const { type, session, epoch, state, at, take } = message
    if (epoch < this.epoch) return undefined
    const told = this.watch.tell(message)
    if (told === 'old') return undefined
    this.epoch = epoch
    // A first message bound to this session needs no challenge.
    this.heard = session
    this.#card = state === 'online' ? { at, taker: takerOf(take) } : undefined
    return { type, told, session, closed: state === 'closed' }
  }

  /** The broker keeps no card for the name. */
  gone(): void {
    this.#card = undefined
  }

  /** Whether its card takes an invocation. Undefined while the name is skipped because it was silent a moment ago. */
  takes(invoked: Invoked): Taking {
    if (this.#card === undefined || !this.watch.online || this.watch.failedWait !== undefined)
      return undefined
    return isFarApart(this.#card.at, this.#clock.now()) ? undefined : this.#card.taker(invoked)
  }
}
