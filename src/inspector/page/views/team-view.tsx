import type { Member, Stats } from '../api/contract.js'

/** The sessions that share the stage, and the invocations that each takes. */
export function TeamView({
  team,
  invocations: { overlaps, declined },
}: {
  readonly team: readonly Member[]
  readonly invocations: Stats['invocations']
}) {
  return (
    <section class="panel" aria-labelledby="team">
      <h2 id="team">Team</h2>
      <p>{`Of this session's invocations, ${overlaps} matched another's card as well, and it declined ${declined}.`}</p>
      <ul>
        {team.map((member) => (
          <li key={member.name}>
            <strong>{member.name}</strong>
            {` ${member.own ? '(this session) ' : ''}is ${member.state} since ${new Date(member.since).toLocaleString()}`}
            {member.state === 'online' && `, takes ${takeText(member.take)}`}
            {member.overlaps > 0 &&
              `, and would have taken ${member.overlaps} of this session's invocations as well`}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** `functions ["api"], marker "bob"`. */
function takeText(take: object | undefined): string {
  if (take === undefined) return 'everything'
  return Object.entries(take)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(', ')
}
