import type { Clock } from '../base/clock.js'
import { jsonValue } from '../base/json.js'
import { setImmediate } from '../base/timers.js'
import type { Invoked } from '../sharing/carriers.js'
import type { Failure } from './call-state.js'
import type { NamedSession } from './named-session.js'
import type { CallInput } from './options.js'
import type { SessionLine } from './session-line.js'

/** The session of a team chosen for an invocation. The choice holds for every question and every resend. */
export interface Choice {
  readonly peer: NamedSession
  /** The session that published the card: only its own answer proves that the invocation did not run. */
  readonly session: string
  /** Other names with cards that take the invocation as well. */
  readonly also: readonly string[]
  /** Whether a filter on its event, its request or its marker decided. */
  readonly filtered: boolean
}

/**
 * The first session with a matching filter, otherwise the first that takes the whole function; both in the order of the
 * list.
 */
function choose(
  peers: readonly NamedSession[],
  invoked: Invoked,
  passed: ReadonlySet<NamedSession>,
): Choice | undefined {
  const taking = peers
    .filter((peer) => !passed.has(peer))
    .map((peer) => ({ peer, how: peer.takes(invoked) }))
    .filter(({ how }) => how !== undefined)
  const first = taking.find(({ how }) => how === 'filtered') ?? taking[0]
  if (first === undefined) return undefined
  const { peer, how } = first
  const also = taking.flatMap((one) => (one === first ? [] : [one.peer.name]))
  return { peer, session: peer.watch.session, also, filtered: how === 'filtered' }
}

export interface ChoosingOptions {
  /** Sessions that have declined it. */
  readonly passed: ReadonlySet<NamedSession>
  /** How long connecting may take, in milliseconds. */
  readonly connectMs: number
  /** How long the answer about kept cards may take, in milliseconds. */
  readonly lookMs: number
}

/**
 * Chooses by the cards that the broker keeps. A cold environment waits for a connection, then until a filter matches,
 * all names were heard, or 100 ms have passed.
 * @returns undefined if no session takes it, or the reason why there are no cards
 */
export async function chosen(
  line: SessionLine,
  clock: Clock,
  input: CallInput,
  { passed, connectMs, lookMs }: ChoosingOptions,
): Promise<Choice | Failure | undefined> {
  const invoked = invokedOf(input)
  const startedAt = clock.now()
  // First read the frames that arrived while the process was frozen.
  await new Promise(setImmediate)
  for (;;) {
    const spentMs = Math.max(0, clock.now() - startedAt)
    if (line.link.stopped) return { why: 'stub closed' }
    if (line.link.connected) {
      await line.look(lookMs).catch(() => {})
      const choice = choose(line.peers, invoked, passed)
      const waitMs = line.unheardForMs
      if (choice?.filtered || waitMs <= 0) return choice
      await line.changed(waitMs)
    } else {
      if (spentMs >= connectMs || line.refused) return { why: 'unreachable', forMs: spentMs }
      await line.changed(connectMs - spentMs)
    }
  }
}

/** Parsed on first access by a card. */
function invokedOf({ functionId, event, context }: CallInput): Invoked {
  let parsed: { readonly value: unknown } | undefined
  return {
    functionId,
    clientContext: context.clientContext,
    get event() {
      parsed ??= { value: jsonValue(event) }
      return parsed.value
    },
  }
}
