import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Detail } from '../api/contract.js'
import { locateJsonError } from '../json/locate-error.js'
import { usePage } from '../state/page-state.js'

/** Edits the event, and replays it. */
export function EditPanel({ detail, revealed }: { readonly detail: Detail; readonly revealed: boolean }) {
  const page = usePage()
  const [text, setText] = useState(() => JSON.stringify(detail.event, null, 2) ?? '')
  const area = useRef<HTMLTextAreaElement>(null)
  const error = locateJsonError(text)
  // At once: the next key may follow before the browser paints.
  useLayoutEffect(() => area.current?.focus(), [])
  const jump = () => {
    area.current?.focus()
    if (error !== undefined) area.current?.setSelectionRange(error.index, error.index + 1)
  }
  const send = (as: 'local' | 'remote') => {
    if (error === undefined) void page.replay.run(detail, { event: JSON.parse(text), as })
    else jump()
  }
  return (
    <section class="panel" aria-labelledby="editing">
      <h2 id="editing">Edit the event and replay</h2>
      <textarea
        ref={area}
        aria-label="Event"
        aria-invalid={error !== undefined}
        aria-describedby="edit-error"
        spellcheck={false}
        rows={16}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send('local')
        }}
      />
      <p id="edit-error" class="failed" role="status">
        {error && (
          <button type="button" class="fold" onClick={jump}>
            {error.message}
          </button>
        )}
      </p>
      {detail.eventPointers.length > 0 && !revealed && (
        <p class="quiet">Values that are masked here are replayed as they were, unless you change them.</p>
      )}
      <p class="actions">
        <button type="button" class="primary" disabled={error !== undefined} onClick={() => send('local')}>
          Replay this event
        </button>
        {page.status.value?.remoteReplay === true && (
          <button type="button" disabled={error !== undefined} onClick={() => send('remote')}>
            Replay it in AWS
          </button>
        )}
        <button type="button" onClick={() => (page.replay.editing.value = false)}>
          Close
        </button>
      </p>
    </section>
  )
}
