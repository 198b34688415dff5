import type { AnswerChange, ReplayAnswer } from '../api/contract.js'

const MAX_CHANGES = 200

/** The differences between a replay's answer and the recorded one. */
export function Difference({ diff }: { readonly diff: NonNullable<ReplayAnswer['diff']> }) {
  if (diff.equal) return <p class="equal">The answer is the same as the recorded one.</p>
  return (
    <div class="wide">
      <table class="difference">
        <caption>Difference to the recorded answer</caption>
        <thead>
          <tr>
            <th scope="col">Where</th>
            <th scope="col">Recorded</th>
            <th scope="col">Now</th>
          </tr>
        </thead>
        <tbody>
          {diff.changes.slice(0, MAX_CHANGES).map((change) => (
            <Row change={change} key={change.path} />
          ))}
        </tbody>
      </table>
      {diff.changes.length > MAX_CHANGES && (
        <p class="quiet">{`${diff.changes.length - MAX_CHANGES} more changes`}</p>
      )}
    </div>
  )
}

function Row({ change: { path, kind, before, after } }: { readonly change: AnswerChange }) {
  return (
    <tr>
      <th scope="row">{path === '' ? 'all of it' : path}</th>
      <td class="before">{kind === 'added' ? '' : text(before)}</td>
      <td class="after">{kind === 'removed' ? '' : text(after)}</td>
    </tr>
  )
}

const MAX_LETTERS = 500

function text(value: unknown): string {
  const json = JSON.stringify(value) ?? 'undefined'
  return json.length > MAX_LETTERS ? `${json.slice(0, MAX_LETTERS)}…` : json
}
