import { BoundedMap } from '../base/bounded-map.js'
import type { Cancel, Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { defined } from '../base/defined.js'
import { atMost, delay } from '../base/delay.js'
import type { AbortOptions } from '../contracts/transport.js'
import type { ClaimMessage, DisplacedMessage, PeerMessage, PresenceMessage } from '../wire/protocol.js'
import { outranks } from './epochs.js'

export interface NameClaimOptions {
  /** This session's random id. */
  readonly session: string
  readonly clock: Clock
  /** Whether the broker keeps presence, which reveals other sessions at opening. */
  readonly keeps: boolean
  /** Sends to every session of this name, including this one. Never throws. */
  send(message: PeerMessage): void
  /** Called when the epoch has risen. */
  onRaised(): void
  /** This session's own message came back. */
  onEcho(): void
  /** Another session holds the name now. */
  onDisplaced(holder: DisplacedMessage): void
}

const ASK_EVERY_MS = 500
const ASKS = 3
/**
 * Without presence, an opening session listens this long for a holder of the name: longer than a broker's round trip.
 */
const LISTEN_MS = 250
const MAX_ASKED = 1_000

/** A reason to ask whether a session that outranks this one is alive. */
interface Doubt {
  readonly epoch: number
  /** The session, if its own message was heard. Absent if only a stub has heard of that epoch. */
  readonly session?: string
}

/**
 * A session's hold on its name. Of two sessions, the greater epoch holds it. An epoch is the time of opening. A session
 * that opens raises its epoch above the holder's, so the session opened last has the name even if the clocks disagree.
 * Only an answer that names this session displaces it. A recorded claim silences it until it has asked three times.
 */
export class NameClaim {
  readonly #options: NameClaimOptions
  #state: 'opening' | 'held' | 'closed' | 'displaced' = 'opening'
  #epoch: number
  /** While opening: sessions that are present and have not yielded. */
  readonly #rivals = new Set<string>()
  #unrivalled = deferred()
  #doubt: Doubt | undefined
  /**
   * The presence that led to asking for each session. If that session has ended, a recording of the presence is no
   * reason to ask again.
   */
  readonly #asked = new BoundedMap<string, PresenceMessage>(MAX_ASKED)
  #cancelAsking: Cancel = () => {}

  constructor(options: NameClaimOptions) {
    this.#options = options
    this.#epoch = options.clock.now()
  }

  get session(): string {
    return this.#options.session
  }

  get epoch(): number {
    return this.#epoch
  }

  /** Whether another session has taken the name. */
  get displaced(): boolean {
    return this.#state === 'displaced'
  }

  /** Called when the session opens. */
  opened(): void {
    this.#epoch = Math.max(this.#epoch, this.#options.clock.now())
  }

  /**
   * Resolves when no other session of the name answers stubs any more: none is present, each has yielded, or a session
   * that seemed present did not answer for 1.5 s.
   * @throws TetherError `ABORTED`
   */
  async held({ signal }: AbortOptions = {}): Promise<void> {
    const { clock, keeps } = this.#options
    if (!keeps) await delay(LISTEN_MS, { clock, signal })
    for (let asked = 0; this.#rivals.size > 0 && asked < ASKS; asked++) {
      // The first claim was made when the connection came up.
      if (asked > 0) this.claim()
      await atMost(ASK_EVERY_MS, this.#unrivalled.promise, { clock, signal })
    }
    if (this.#state === 'opening') this.#state = 'held'
  }

  /** Announces this session to the others; sent at every connect. */
  claim(): void {
    this.#claim(undefined)
  }

  hear(message: PeerMessage | PresenceMessage): void {
    if (message.session === this.session) {
      if (message.type !== 'presence') this.#options.onEcho()
      return
    }
    if (this.#over) return
    if (message.type === 'presence') this.#onPresence(message)
    else if (message.type === 'claim') this.#onClaim(message)
    else if (message.target === this.session) this.#onDisplaced(message)
    // Addressed to another session, but its sender may outrank this one, too.
    else if (outranks(message, this)) this.#ask(message)
  }

  /**
   * False while another session may have the name: this session has heard of one with a higher rank, or the stub has
   * heard of a newer `epoch`. In the second case this session asks for the holder, and takes the name if there is no
   * answer.
   */
  mayServe(epoch: number): boolean {
    if (this.displaced || this.#doubt?.session !== undefined) return false
    if (epoch <= this.#epoch) return true
    if (!this.#over) this.#ask({ epoch })
    return false
  }

  /** Stops claiming. */
  close(): void {
    this.#end('closed')
  }

  get #over(): boolean {
    return this.#state === 'closed' || this.#state === 'displaced'
  }

  #onClaim(claim: ClaimMessage): void {
    if (claim.yieldsTo === this.session) this.#gone(claim.session)
    else if (this.#state === 'opening') this.#rival(claim.session)
    if (outranks(claim, this)) return this.#ask(claim)
    const opening = this.#state === 'opening' ? true : undefined
    const { session, epoch } = this
    this.#options.send({
      type: 'displaced',
      session,
      epoch,
      target: claim.session,
      ...defined({ opening }),
    })
  }

  #onPresence(message: PresenceMessage): void {
    const { session, epoch, state } = message
    const opening = this.#state === 'opening'
    if (opening && state === 'online') this.#rival(session)
    else this.#gone(session)
    // The stubs of a closed session expect an epoch that is no older. So do the stubs of a session that ranks below
    // this one but is newer by its clock.
    if (opening || state === 'closed') {
      if (epoch >= this.#epoch) this.#raise(epoch)
    } else if (state === 'online' && outranks(message, this) && this.#isNews(message)) {
      this.#asked.set(session, message)
      this.#ask(message)
    }
  }

  #isNews({ session, epoch, sequence }: PresenceMessage): boolean {
    const asked = this.#asked.get(session)
    return asked === undefined || epoch > asked.epoch || sequence > asked.sequence
  }

  #onDisplaced(message: DisplacedMessage): void {
    // Answers a claim made before the epoch was raised.
    if (!outranks(message, this)) return
    if (this.#state === 'opening' && message.opening !== true) {
      this.#rival(message.session)
      return this.#raise(message.epoch)
    }
    this.#claim(message.session)
    this.#end('displaced')
    this.#options.onDisplaced(message)
  }

  #claim(yieldsTo: string | undefined): void {
    if (this.#over) return
    const { session, epoch } = this
    this.#options.send({ type: 'claim', session, epoch, ...defined({ yieldsTo }) })
  }

  #raise(above: number): void {
    this.#epoch = above + 1
    if (this.#doubt !== undefined && this.#doubt.epoch < this.#epoch) this.#believe()
    this.claim()
    this.#options.onRaised()
  }

  #rival(session: string): void {
    if (this.#rivals.size === 0) this.#unrivalled = deferred()
    this.#rivals.add(session)
  }

  #gone(session: string): void {
    this.#rivals.delete(session)
    if (this.#rivals.size === 0) this.#unrivalled.resolve()
  }

  /** Asks whether a session that outranks this one is alive; more than once, since a broker may lose a question. */
  #ask(doubt: Doubt): void {
    const { session, epoch } = doubt
    const known = this.#doubt
    // A session's own message takes precedence over an epoch that only stubs have heard of.
    const first = known?.session === undefined && session !== undefined
    if (known !== undefined && known.epoch >= epoch && !first) return
    this.#believe()
    this.#doubt = session === undefined ? { epoch } : { epoch, session }
    this.#askAgain(ASKS)
  }

  #askAgain(left: number): void {
    if (left > 0) {
      this.#claim(this.#doubt?.session)
      this.#cancelAsking = this.#options.clock.schedule(ASK_EVERY_MS, () => this.#askAgain(left - 1))
      return
    }
    const doubt = this.#doubt
    this.#believe()
    if (doubt !== undefined && doubt.session === undefined) this.#raise(doubt.epoch)
  }

  #believe(): void {
    this.#cancelAsking()
    this.#doubt = undefined
  }

  #end(state: 'closed' | 'displaced'): void {
    if (this.#over) return
    this.#state = state
    this.#believe()
    this.#rivals.clear()
    this.#unrivalled.resolve()
  }
}
