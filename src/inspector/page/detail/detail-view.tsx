import type { Detail } from '../api/contract.js'
import { bytes, milliseconds } from '../format.js'
import { Base64 } from '../json/base64.js'
import { JsonView } from '../json/json-view.js'
import { outcomeText } from '../list/outcome-text.js'
import { usePage } from '../state/page-state.js'
import { Copy } from './copy.js'
import { EditPanel } from './edit-panel.js'
import { Logs } from './logs.js'
import { OutcomeView } from './outcome.js'
import { ReplayPanel } from './replay-panel.js'
import { StreamView } from './stream-view.js'
import { Waterfall } from './waterfall.js'

/** One invocation on one screen. */
export function DetailView() {
  const opened = usePage().opened.shown.value
  if (opened.state === 'none')
    return <p class="quiet centred">Choose an invocation, or press j. Press ? for all keys.</p>
  if (opened.state === 'reading') return <p class="quiet centred">Reading…</p>
  if (opened.state === 'failed') return <p class="failed centred">{opened.message}</p>
  return <Invocation key={opened.id} detail={opened.detail} revealed={opened.revealed} />
}

function Invocation({ detail, revealed }: { readonly detail: Detail; readonly revealed: boolean }) {
  const page = usePage()
  const { head, logs, timing, context, variables } = detail
  const showsOutcome = detail.stream?.text === undefined || detail.outcome?.kind === 'error'
  const maskedCount = detail.eventPointers.length + detail.outcomePointers.length
  return (
    <article aria-label={head.title}>
      <header class="of-invocation">
        <h1>{head.title}</h1>
        <p>
          <span class={`outcome ${head.state}`}>{outcomeText(head)}</span>
          {` ${head.functionId} · ${head.trigger} · ${new Date(head.at).toLocaleString()}`}
          {head.durationMs !== undefined && ` · ${milliseconds(head.durationMs)}`}
          {` · event of ${bytes(head.eventBytes)}`}
          {head.rerun && ' · rerun'}
          {Boolean(head.mirrored) && ' · mirrored'}
          {head.replayed && ' · replayed'}
        </p>
        <p class="actions">
          <button type="button" class="primary" onClick={() => page.replay.run(detail)}>
            Replay
          </button>
          {page.status.value?.remoteReplay === true && (
            <button type="button" onClick={() => page.replay.run(detail, { as: 'remote' })}>
              Replay in AWS
            </button>
          )}
          <button type="button" onClick={() => (page.replay.editing.value = true)}>
            Edit &amp; replay
          </button>
          {!detail.leftOut && <Copy detail={detail} />}
          {maskedCount > 0 && !revealed && (
            <button type="button" onClick={() => page.opened.reveal()}>
              {`Show masked values (${maskedCount})`}
            </button>
          )}
        </p>
        {detail.leftOut && <p class="quiet">The host's own redaction leaves this invocation out.</p>}
      </header>
      {page.replay.editing.value && <EditPanel detail={detail} revealed={revealed} />}
      <ReplayPanel />
      <div class="columns">
        <section class="panel" aria-labelledby="event">
          <h2 id="event">Event</h2>
          <div class="json">
            <EventView detail={detail} revealed={revealed} />
          </div>
        </section>
        <section class="panel" aria-labelledby="response">
          <h2 id="response">Response</h2>
          {detail.stream && <StreamView stream={detail.stream} isOpen={detail.outcome === undefined} />}
          {showsOutcome && (
            <OutcomeView outcome={detail.outcome} masked={revealed ? [] : detail.outcomePointers} />
          )}
        </section>
      </div>
      <section class="panel" aria-labelledby="logs">
        <h2 id="logs">Logs</h2>
        <Logs logs={logs} dropped={detail.droppedLogs} />
      </section>
      <section class="panel" aria-labelledby="timing">
        <h2 id="timing">Timing</h2>
        <Waterfall timing={timing} />
      </section>
      <section class="panel" aria-labelledby="context">
        <h2 id="context">Context</h2>
        <div class="json">
          <JsonView value={context} />
        </div>
        <p class="quiet">
          {variables.length > 0 && `Environment variables (values are never kept): ${variables.join(', ')}`}
        </p>
      </section>
    </article>
  )
}

function EventView({ detail, revealed }: { readonly detail: Detail; readonly revealed: boolean }) {
  const { event, eventBase64, eventPointers } = detail
  if (eventBase64 !== undefined) return <Base64 text={eventBase64} />
  return <JsonView value={event} masked={new Set(revealed ? [] : eventPointers)} />
}
