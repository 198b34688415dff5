import type { Cancel, Clock } from '../base/clock.js'
import type { SessionIdentity } from '../contracts/transport.js'
import type { ClaimMessage, DisplacedMessage, PeerMessage, PresenceMessage } from '../wire/protocol.js'

export interface NameClaimOptions {
  /** This session's random id. */
  readonly session: string
  readonly clock: Clock
  /** To every session of this name, this one included. Never throws. */
  send(message: PeerMessage): void
  /** The epoch is greater than it was. */
  onRaised(): void
  /** Another session holds the name now. */
  onDisplaced(): void
}

/** Whether the name is `a`'s and not `b`'s. */
export function outranks(a: SessionIdentity, b: SessionIdentity): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.session > b.session)
}

/** How long after opening a session may still take the name from a holder whose clock is ahead. */
const OPENING_MS = 5_000
const ASK_EVERY_MS = 500
const ASKS = 3

/**
 * A session's hold on its name. Of two, the greater epoch holds it: the time of opening, raised once where a living holder's
 * was greater, so that who opens last wins whatever the clocks say. Only an answer that names this session displaces it;
 * a recorded claim does nothing.
 */
export class NameClaim {
  readonly #options: NameClaimOptions
  readonly #timers = new Set<Cancel>()
  #epoch: number
  #openedAt: number
  #raised = false
  #contested = 0
  #over = false

  constructor(options: NameClaimOptions) {
    this.#options = options
    this.#openedAt = options.clock.now()
    this.#epoch = this.#openedAt
  }

  get session(): string {
    return this.#options.session
  }

  get epoch(): number {
    return this.#epoch
  }

  /** The session opens: who opens last wins. */
  opened(): void {
    this.#openedAt = this.#options.clock.now()
    this.#epoch = Math.max(this.#epoch, this.#openedAt)
  }

  /** Says who holds the name; at every connect. */
  claim(): void {
    if (!this.#over) this.#options.send({ type: 'claim', session: this.#options.session, epoch: this.#epoch })
  }

  hear(message: PeerMessage): void {
    if (this.#over || message.session === this.#options.session) return
    if (message.type === 'presence') return this.#onPresence(message)
    if (message.type === 'claim') this.#onClaim(message)
    else if (message.target === this.#options.session) this.#onDisplaced(message)
  }

  /**
   * Whether this session may act on what a stub sent that has heard of `epoch`. Where it may not, it asks whether the
   * holder lives, and takes the name when nobody answers.
   */
  mayServe(epoch: number): boolean {
    if (epoch <= this.#epoch) return true
    this.#contest(epoch, true)
    return false
  }

  /** Makes no further claim. */
  close(): void {
    this.#over = true
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }

  #onClaim(claim: ClaimMessage): void {
    if (outranks(claim, this)) return this.#contest(claim.epoch, false)
    this.#options.send({
      type: 'displaced',
      session: this.session,
      epoch: this.#epoch,
      target: claim.session,
    })
  }

  // It has closed, and its stubs would wait for a session that is no older.
  #onPresence({ epoch, state }: PresenceMessage): void {
    if (state !== 'closed' || epoch < this.#epoch) return
    this.#raise(epoch)
  }

  #raise(epoch: number): void {
    this.#epoch = epoch + 1
    this.claim()
    this.#options.onRaised()
  }

  #onDisplaced(message: DisplacedMessage): void {
    // An answer to a claim that was made before the epoch was raised.
    if (!outranks(message, this)) return
    const { epoch } = message
    const opening = this.#options.clock.now() - this.#openedAt < OPENING_MS
    if (opening && !this.#raised) {
      this.#raised = true
      return this.#raise(epoch)
    }
    this.close()
    this.#options.onDisplaced()
  }

  // A living holder answers a claim. It is asked more than once, since a broker may lose a question.
  #contest(epoch: number, takeOver: boolean): void {
    if (this.#contested >= epoch || this.#over) return
    this.#contested = epoch
    const ask = (asked: number) => {
      if (this.#epoch > epoch) return
      if (asked < ASKS) {
        this.claim()
        return this.#after(ASK_EVERY_MS, () => ask(asked + 1))
      }
      this.#contested = 0
      if (takeOver) this.#raise(epoch)
    }
    ask(0)
  }

  #after(delayMs: number, callback: () => void): void {
    const cancel = this.#options.clock.schedule(delayMs, () => {
      this.#timers.delete(cancel)
      callback()
    })
    this.#timers.add(cancel)
  }
}
