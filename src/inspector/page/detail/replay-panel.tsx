import { usePage } from '../state/page-state.js'
import { Difference } from './difference.js'
import { OutcomeView } from './outcome.js'

/** The last replay's answer and difference. */
export function ReplayPanel() {
  const page = usePage()
  const replayed = page.replay.shown.value
  if (replayed.state === 'none') return null
  return (
    <section class="panel" aria-labelledby="replayed" aria-live="polite">
      <h2 id="replayed">Replay</h2>
      {replayed.state === 'running' && <p class="quiet">It runs…</p>}
      {replayed.state === 'failed' && <p class="failed">{replayed.message}</p>}
      {replayed.state === 'done' && (
        <>
          {replayed.result.diff === undefined ? (
            <p class="quiet">No answer was recorded to compare with.</p>
          ) : (
            <Difference diff={replayed.result.diff} />
          )}
          <OutcomeView outcome={replayed.result.outcome} />
          <Link id={replayed.result.id} />
        </>
      )}
    </section>
  )
}

function Link({ id }: { readonly id: string | undefined }) {
  const page = usePage()
  if (id === undefined) return null
  return (
    <button type="button" onClick={() => page.go({ id })}>
      Open the replay
    </button>
  )
}
