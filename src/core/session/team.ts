import type { Cancel } from '../base/clock.js'
import { TetherError } from '../base/errors.js'
import type { AbortOptions, Connection, Endpoint, Transport } from '../contracts/transport.js'
import type { LiveConnection } from '../link/live-connection.js'
import { Roster, type RosterOptions, type TeamMember } from '../naming/roster.js'
import { conflicts } from '../sharing/conflict.js'
import type { Take } from '../sharing/take.js'

export interface TeamOptions extends Omit<RosterOptions, 'others'> {
  readonly team: readonly string[]
  readonly transport: Transport
  readonly onConflict: 'warn' | 'refuse'
  /** The invocations that this session takes now. */
  take(): Take | undefined
  warn(state: 'conflict' | 'unwatched', error: TetherError): void
}

const LOOK_EVERY_MS = 30_000

/** The team that shares this session's stage: tracks its members, and reports when two take the same functions. */
export class Team {
  /** Whether it must see the others before it announces its presence. */
  readonly cautious: boolean
  readonly #options: TeamOptions
  readonly #roster: Roster
  #unwatched = ''
  #cancelLook: Cancel = () => {}
  #closed = false

  constructor(options: TeamOptions) {
    const { team, self, onConflict } = options
    this.#options = options
    this.#roster = new Roster({ ...options, others: team.filter((name) => name !== self.name) })
    this.cautious = onConflict === 'refuse'
  }

  get members(): readonly TeamMember[] {
    return this.#roster.members
  }

  /** All members that are present, including this session, in the order of the list. */
  inOrder(own: TeamMember): readonly TeamMember[] {
    const all = [own, ...this.members]
    return this.#options.team.flatMap((name) => all.filter((member) => member.name === name))
  }

  /** Handles a frame that the broker keeps for another name. */
  hear(frame: Uint8Array, name: string): void {
    this.#roster.hear(frame, name)
  }

  /** Called when a connection is up. If the broker must be asked for kept frames, asks now and every 30 s. */
  connected(live: LiveConnection | undefined): void {
    if (this.#closed) return
    this.#cancelLook()
    this.#sayUnwatched(live?.connection)
    if (live?.connection.look !== undefined) void this.#look(live)
  }

  /** Stops asking. Answers still under way, and connections made while the session drains, start nothing new. */
  close(): void {
    this.#closed = true
    this.#cancelLook()
  }

  async #look(live: LiveConnection): Promise<void> {
    const names = await live.look().catch(() => undefined)
    if (names !== undefined) this.#roster.keeps(names)
    if (live.over || this.#closed) return
    this.#cancelLook = this.#options.clock.schedule(LOOK_EVERY_MS, () => void this.#look(live))
  }

  /** Reports once that the broker does not let it see the others. */
  #sayUnwatched(connection: Pick<Connection, 'unwatched'> | undefined): void {
    const unwatched = connection?.unwatched ?? []
    const names = unwatched.map((name) => `'${name}'`).join(', ')
    if (names === this.#unwatched) return
    this.#unwatched = names
    if (names === '') return
    const { self, transport, warn } = this.#options
    const addresses = unwatched.map((name) => transport.describe?.({ ...self, name }, 'kept') ?? name)
    const text =
      `The broker does not let session '${self.name}' see the presence of ${names}. It works, and does not know what they take. ` +
      `It needs to subscribe to and to receive ${addresses.map((one) => `'${one}'`).join(', ')}.`
    warn('unwatched', new TetherError('UNREACHABLE', text, { details: { addresses } }))
  }

  /** Resolves when the present members have been heard, as far as possible. @throws TetherError `ABORTED` */
  settled(options: AbortOptions): Promise<void> {
    return this.#roster.settled(options)
  }

  /**
   * Reports another session that takes the same functions without a filter to divide the invocations.
   * @throws TetherError `CONFLICT` if the session must not open then
   */
  check(): void {
    const { self, take, onConflict, warn } = this.#options
    const other = this.members.find((member) => member.state === 'online' && conflicts(take(), member.take))
    if (other === undefined) return
    const { name, since, take: theirs } = other
    const what = theirs?.functions === undefined ? 'all functions' : theirs.functions.join(', ')
    const text =
      `Session '${name}' of the team takes ${what} without a filter, since ${new Date(Math.min(since, 8.64e15)).toISOString()}, ` +
      `and so does '${self.name}': of the two, the one that stands first in the team's list gets every invocation. ` +
      "Give one of them a 'take' with other functions, or with event, http or marker."
    const error = new TetherError('CONFLICT', text, { details: { name, take: theirs } })
    if (onConflict === 'refuse') throw error
    warn('conflict', error)
  }
}

/** A session as an endpoint, of the application and stage of another. */
export function teamEndpoints(self: Endpoint, team: readonly string[] = []): Endpoint[] {
  return [self, ...team.filter((name) => name !== self.name).map((name) => ({ ...self, name }))]
}
