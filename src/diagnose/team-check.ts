import { printable } from '../core/base/printable.js'
import type { Finding } from '../core/contracts/diagnosis.js'
import type { TeamMember } from '../core/naming/roster.js'
import type { SessionStats } from '../core/session/stats.js'
import { conflicts } from '../core/sharing/conflict.js'

/**
 * Reports the team's members on the stage, the invocations that each takes, and two members that take the same ones.
 */
export function teamFinding(
  team: readonly TeamMember[],
  { invocations }: Pick<SessionStats, 'invocations'>,
): Finding {
  const { overlaps, declined } = invocations
  const seen =
    `${team.map(described).join(' ')} ${overlaps} of its invocations were taken by another's card as well; ` +
    `it declined ${declined}.`
  const details = { team, overlaps, declined }
  const [own] = team.filter((member) => member.own)
  const rival = team.find(
    (member) => !member.own && member.state === 'online' && own && conflicts(own.take, member.take),
  )
  if (rival === undefined) return { outcome: 'ok', seen, details }
  const advice = `'${printable(rival.name)}' takes the same functions, and no filter tells whose an invocation is: give one of them a 'take' with other functions, or with event, http or marker.`
  return { outcome: 'warning', seen, advice, details }
}

function described({ name, own, state, take }: TeamMember): string {
  const what = take === undefined ? 'all' : JSON.stringify(take)
  const takes = state === 'online' ? `takes ${printable(what, 1_000)}` : `is ${state}`
  return `${own ? 'This session' : `'${printable(name)}'`} ${takes}.`
}
