import type { Clock } from '../base/clock.js'
import { checkEndpoint, type Endpoint } from '../contracts/transport.js'
import { isFarAhead, isFarApart } from '../naming/epochs.js'
import { SessionWatch } from '../naming/session-watch.js'
import type { Invoked } from '../sharing/carriers.js'
import { type Taker, type Taking, takerOf } from '../sharing/taker.js'
import type { PresenceMessage, SessionMessage } from '../wire/protocol.js'
import type { CallEvent } from './call-state.js'
import type { CallerOptions } from './options.js'

/** What an execution environment knows of one session name. */
export class NamedSession {
  readonly name: string
  /** The stub's, for this name. */
  readonly options: CallerOptions
  /** The name, with the lane that this environment sends to. */
  readonly to: Endpoint
  readonly watch: SessionWatch
  /** The session heard last, by a message or by presence. */
  heard: string | undefined
  /** The highest that was heard. */
  epoch = 0
  /** Outcomes that were received, and not reported yet. */
  settled: string[] = []
  /** Which session has which variables. */
  informed = { session: '', fingerprint: '' }
  readonly #clock: Clock
  #storeless: string | undefined
  /** When its last presence was signed, and what it takes. */
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

  /** Takes a message of its session. @returns false for one to be ignored: of a session that lost the name, or a broken clock's */
  hears(message: SessionMessage): boolean {
    const { type, session, epoch } = message
    if (epoch < this.epoch || isFarAhead(epoch, this.#clock.now())) return false
    this.epoch = epoch
    this.heard = session
    this.watch.heard(session)
    if (type === 'url' && message.key === undefined) this.#storeless = session
    return true
  }

  /** Takes the broker's word, which may be a recording that somebody put there. @returns what calls are told; undefined for nothing */
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

  /** The broker keeps nothing for the name. */
  gone(): void {
    this.#card = undefined
  }

  /** Whether its card takes an invocation. Not while it is passed over: it was silent a moment ago. */
  takes(invoked: Invoked): Taking {
    if (this.#card === undefined || !this.watch.online || this.watch.failedWait !== undefined)
      return undefined
    return isFarApart(this.#card.at, this.#clock.now()) ? undefined : this.#card.taker(invoked)
  }
}
