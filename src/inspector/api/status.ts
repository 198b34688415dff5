import type { LinkStatus } from '../../core/link/link.js'
import type { TeamMember } from '../../core/naming/roster.js'
import type { ServedState } from '../../core/session/functions/target.js'
import type { Session } from '../../core/session/session.js'
import type { SessionStats } from '../../core/session/stats.js'
import type { Take } from '../../core/sharing/take.js'
import { cursorOf } from '../view/cursor.js'
import type { DiscardCount } from '../view/discards.js'
import type { Feed } from '../view/feed.js'

/** Why code could not be built or loaded, and where. */
export interface BuildProblem {
  readonly message: string
  readonly file?: string
  /** Counts from 1, as in editors. */
  readonly line?: number
  readonly column?: number
  /** Without the place. */
  readonly text?: string
}

/** A function that is served. */
export interface FunctionStatus {
  readonly functionId: string
  readonly source?: string
  readonly executor: string
  readonly state: ServedState['state']
  readonly error?: BuildProblem
  readonly workers: number
  readonly spares: number
  readonly memoryBytes: number
  readonly inspectPort?: number
}

/** A session of the team that is on the stage. */
export interface MemberStatus {
  readonly name: string
  readonly state: TeamMember['state']
  /** When it was opened, by its own clock: ISO 8601, UTC. */
  readonly since: string
  /** Whether it is this session. */
  readonly own: boolean
  /** Absent if the session takes all invocations addressed to it, and unless it is `online`. */
  readonly take?: Take
  /** Number of this session's invocations that it would have taken as well. */
  readonly overlaps: number
}

/** The state of a session. */
export interface InspectorStatus {
  readonly session: { readonly app: string; readonly stage: string; readonly name: string }
  readonly connection: ConnectionStatus
  readonly transport: string
  /** Number of the session's lanes that each open connection receives. */
  readonly lanes: readonly number[]
  readonly stats: SessionStats
  readonly functions: readonly FunctionStatus[]
  readonly displaced: boolean
  /** The session that has the name, and when it was opened: ISO 8601, UTC. */
  readonly displacedBy?: { readonly id: string; readonly openedAt: string }
  /** In the order of the team's list; empty without a team. */
  readonly team: readonly MemberStatus[]
  readonly discards: readonly DiscardCount[]
  readonly remoteReplay: boolean
  readonly diagnose: boolean
  readonly cursor: string
}

/** A {@link LinkStatus} as JSON. */
export interface ConnectionStatus {
  readonly state: LinkStatus['state']
  readonly attempt?: number
  readonly retryInMs?: number
  readonly error?: { readonly code: string; readonly message: string }
}

export function statusOf(
  session: Session,
  feed: Feed,
  abilities: { readonly remoteReplay: boolean; readonly diagnose: boolean },
): InspectorStatus {
  const { app, stage, name, transportName } = session
  return {
    session: { app, stage, name },
    connection: connectionOf(session.status),
    transport: transportName,
    lanes: session.lanes,
    stats: session.stats(),
    functions: session.functions.list().map(functionStatus),
    displaced: feed.displaced !== undefined,
    ...(feed.displaced && {
      displacedBy: { id: feed.displaced.by, openedAt: new Date(feed.displaced.epoch).toISOString() },
    }),
    team: session.team().map((member) => memberStatus(member, feed)),
    discards: feed.discards.list(),
    ...abilities,
    cursor: cursorOf(feed.start, feed.last),
  }
}

/** The latest time of a `Date`: a member's clock may send any number. */
const LAST_MS = 8.64e15

function memberStatus({ name, state, since, own, take }: TeamMember, feed: Feed): MemberStatus {
  const openedAt = new Date(Math.min(since, LAST_MS)).toISOString()
  const overlaps = feed.overlaps.of(name)
  return { name, state, since: openedAt, own, ...(take && { take }), overlaps }
}

export function buildProblem({ message, details }: NonNullable<ServedState['error']>): BuildProblem {
  const { file, line, column, text } = details
  return {
    message,
    ...(typeof file === 'string' && { file }),
    ...(typeof line === 'number' && { line }),
    ...(typeof column === 'number' && { column }),
    ...(typeof text === 'string' && { text }),
  }
}

function functionStatus({ functionId, source, executor, state, error, stats }: ServedState): FunctionStatus {
  const { workers = 0, spares = 0, memoryBytes = 0, inspectPort } = stats ?? {}
  return {
    functionId,
    ...(source !== undefined && { source }),
    executor,
    state,
    ...(error && { error: buildProblem(error) }),
    workers,
    spares,
    memoryBytes,
    ...(inspectPort !== undefined && { inspectPort }),
  }
}

function connectionOf(status: LinkStatus): ConnectionStatus {
  const { state } = status
  if (state === 'connecting') return { state, attempt: status.attempt }
  if (state !== 'disconnected') return { state }
  const { error, retryInMs } = status
  return { state, retryInMs, ...(error && { error: { code: error.code, message: error.message } }) }
}
