import type { Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { atMost } from '../base/delay.js'
import type { AbortOptions, Endpoint } from '../contracts/transport.js'
import type { Take } from '../sharing/take.js'
import { openPresence } from '../wire/presence-frame.js'
import type { PresenceMessage, PresenceState } from '../wire/protocol.js'
import type { PresenceKeys } from '../wire/seal.js'
import { isFarApart } from './epochs.js'
import { SessionWatch } from './session-watch.js'

/** A session of the team, according to its presence. */
export interface TeamMember {
  readonly name: string
  /** The session's random id; changes with a restart. */
  readonly session: string
  /** `lost`: its broker lost its connection. It takes nothing until it is back. */
  readonly state: PresenceState
  /** When it was opened, in Unix milliseconds of its clock. */
  readonly since: number
  /** The invocations that it takes. Absent if it takes all that are addressed to it, and unless it is `online`. */
  readonly take?: Take | undefined
  /** Whether it is this session. */
  readonly own: boolean
}

export interface RosterOptions {
  /** The session that watches. */
  readonly self: Endpoint
  /** The names of the others. */
  readonly others: readonly string[]
  readonly keys: readonly PresenceKeys[]
  readonly clock: Clock
  onChange(member: TeamMember): void
}

/** As long as a stub waits for cards. */
const SETTLED_MS = 100

/** A session's knowledge of the others in its team. */
export class Roster {
  readonly #options: RosterOptions
  readonly #watches: ReadonlyMap<string, SessionWatch>
  readonly #cards = new Map<string, PresenceMessage>()
  readonly #all = deferred()

  constructor(options: RosterOptions) {
    this.#options = options
    this.#watches = new Map(options.others.map((name) => [name, new SessionWatch(options.clock)]))
    if (options.others.length === 0) this.#all.resolve()
  }

  /** The others that are present, in the team's order. */
  get members(): TeamMember[] {
    const now = this.#options.clock.now()
    return this.#options.others.flatMap((name) => {
      const card = this.#cards.get(name)
      const isThere = card !== undefined && card.state !== 'closed' && !isFarApart(card.at, now)
      return isThere ? [memberOf(name, card)] : []
    })
  }

  /**
   * Handles a frame that the broker keeps for another name. A forgery, or a recording of an outdated presence, changes
   * nothing.
   */
  hear(frame: Uint8Array, name: string): void {
    const { keys, self } = this.#options
    const watch = this.#watches.get(name)
    const message = watch && openPresence(keys, { ...self, name }, frame)
    if (message === undefined || watch!.tell(message) === 'old') return
    const before = this.#cards.get(name)
    this.#cards.set(name, message)
    if (this.#cards.size === this.#watches.size) this.#all.resolve()
    if (before === undefined ? message.state !== 'closed' : !isSame(before, message))
      this.#options.onChange(memberOf(name, message))
  }

  /** Handles the broker's answer: it keeps frames for these names only. */
  keeps(names: readonly string[]): void {
    for (const [name, card] of this.#cards) {
      if (names.includes(name) || card.state === 'closed') continue
      this.#cards.set(name, { ...card, state: 'closed' })
      this.#options.onChange(memberOf(name, { ...card, state: 'closed' }))
    }
    this.#all.resolve()
  }

  /** Resolves when all were heard, after 100 ms at the latest. @throws TetherError `ABORTED` */
  settled({ signal }: AbortOptions = {}): Promise<void> {
    return atMost(SETTLED_MS, this.#all.promise, { clock: this.#options.clock, signal })
  }
}

function memberOf(name: string, { session, state, epoch: since, take }: PresenceMessage): TeamMember {
  return {
    name,
    session,
    state,
    since,
    own: false,
    ...(take !== undefined && state === 'online' && { take }),
  }
}

function isSame(a: PresenceMessage, b: PresenceMessage): boolean {
  const told = ({ session, state, take }: PresenceMessage) => JSON.stringify([session, state, take])
  return told(a) === told(b)
}
