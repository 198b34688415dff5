import type { ShownOutcome } from '../api/contract.js'
import { Base64 } from '../json/base64.js'
import { JsonView } from '../json/json-view.js'

interface OutcomeViewProps {
  readonly outcome: ShownOutcome | undefined
  /** JSON pointers into it. */
  readonly masked?: readonly string[]
}

/** How an invocation ended. */
export function OutcomeView({ outcome, masked = [] }: OutcomeViewProps) {
  if (outcome === undefined) return <p class="quiet">It has not ended.</p>
  if (outcome.kind === 'declined') return <p>{`Declined: ${outcome.reason}`}</p>
  if (outcome.kind === 'value')
    return (
      <div class="json">
        {outcome.valueBase64 === undefined ? (
          <JsonView value={outcome.value} masked={new Set(masked)} pointer="/value" />
        ) : (
          <Base64 text={outcome.valueBase64} />
        )}
      </div>
    )
  const { errorType, errorMessage, trace } = outcome.error
  return (
    <div>
      <p class="failed">
        <strong>{errorType}</strong>
        {`: ${errorMessage}`}
      </p>
      <pre class="trace">{trace.join('\n')}</pre>
    </div>
  )
}
