import { isObject } from '../../core/base/options.js'
import type { Invocation } from '../../core/session/invocation.js'
import type { ReplayOutcome } from '../../core/session/replay/outcome.js'
import type { Session } from '../../core/session/session.js'
import { type Diff, diff } from '../../diff/diff.js'
import type { InvocationRecord } from '../../recorder/record.js'
import type { RecordDataOutcome } from '../../recorder/record-data.js'
import type { Redactor } from '../../recorder/redact/redactor.js'
import { HttpProblem } from '../server/http-problem.js'

/** The result of a replay, without secrets. */
export interface ReplayReport {
  /** The id of the replay's own invocation; absent for a remote replay. */
  readonly id?: string
  readonly outcome: RecordDataOutcome | undefined
  /** Absent if the recorded invocation has no outcome. */
  readonly diff?: Pick<Diff, 'equal' | 'changes'> & { readonly text: string }
}

export interface ReplayOf {
  readonly session: Session
  readonly redactor: Redactor
  readonly remoteReplay: boolean
}

/**
 * Runs an invocation again, with the recorded event or the client's edited one. Values that are still masked in it keep
 * their recorded value.
 * @throws HttpProblem, TetherError
 */
export async function replayOf(
  { session, redactor, remoteReplay }: ReplayOf,
  record: InvocationRecord,
  body: Readonly<Record<string, unknown>>,
): Promise<ReplayReport> {
  const { as = 'local', event, ...others } = body
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new HttpProblem('BAD_REQUEST', `'${unknown}' is no field; 'event' and 'as' are.`)
  if (as !== 'local' && as !== 'remote') throw new HttpProblem('BAD_REQUEST', "'as' must be local or remote.")
  if (as === 'remote' && !remoteReplay)
    throw new HttpProblem(
      'FORBIDDEN',
      'Remote replay is off: the host allows it by inspect(session, { remoteReplay: true }).',
    )
  const edited =
    event === undefined
      ? {}
      : { event: (original: unknown) => unmasked(event, redactor.masked(record)?.event, original) }
  let id: string | undefined
  // The invocation begins before `replay` returns.
  const onInvoke = (invocation: Invocation) => {
    id ??= invocation.id
  }
  session.on('invoke', onInvoke)
  const replaying = session.replay(record, { as, ...edited })
  session.off('invoke', onInvoke)
  const outcome = await replaying
  return { ...(id !== undefined && { id }), ...reported(record, outcome, redactor) }
}

// Equal secrets have equal marks, so comparing the masked outcomes is exact.
function reported(
  record: InvocationRecord,
  outcome: ReplayOutcome,
  redactor: Redactor,
): Omit<ReplayReport, 'id'> {
  const after = redactor.outcome(record, outcome)
  const before = record.outcome && redactor.outcome(record, record.outcome)
  if (after === undefined || before === undefined) return { outcome: after }
  const found = diff({ outcome: before }, after)
  return { outcome: after, diff: { equal: found.equal, changes: found.changes, text: String(found) } }
}

/** Returns the edited event, with the original's secret wherever its mark is unchanged. */
function unmasked(edited: unknown, masked: unknown, original: unknown): unknown {
  if (edited === masked) return original
  if (Array.isArray(edited))
    return edited.map((one, index) => unmasked(one, valueAt(masked, index), valueAt(original, index)))
  if (!isObject(edited)) return edited
  const fields = Object.entries(edited as object)
  return Object.fromEntries(
    fields.map(([name, one]) => [name, unmasked(one, valueAt(masked, name), valueAt(original, name))]),
  )
}

function valueAt(value: unknown, name: string | number): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string | number, unknown>)[name]
    : undefined
}
