import { useState } from 'preact/hooks'
import type { FunctionAnswer } from '../api/contract.js'
import { postJson } from '../api/request.js'
import { bytes } from '../format.js'
import { usePage } from '../state/page-state.js'
import { BuildErrorText } from './banners.js'

/** The functions that this session serves. */
export function FunctionsView() {
  const functions = usePage().status.value?.functions ?? []
  return (
    <main class="view" aria-labelledby="functions">
      <h1 id="functions">Functions</h1>
      {functions.length === 0 && <p class="quiet">The session serves none.</p>}
      {functions.map((each) => (
        <FunctionPanel each={each} key={each.functionId} />
      ))}
    </main>
  )
}

function FunctionPanel({ each }: { readonly each: FunctionAnswer }) {
  const { functionId, source, state, error, workers, spares, memoryBytes, inspectPort } = each
  const [said, setSaid] = useState('')
  const reload = async () => {
    setSaid('')
    try {
      await postJson(`/api/functions/${encodeURIComponent(functionId)}/reload`, {})
      setSaid('Reloaded')
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <section class="panel" aria-label={functionId}>
      <h2>
        {functionId} <span class={`state ${state === 'failed' ? 'bad' : 'good'}`}>{state}</span>
      </h2>
      {state === 'failed' && (
        <p class="failed">
          <BuildErrorText error={error} />
        </p>
      )}
      <dl>
        <dt>Source</dt>
        <dd>{source ?? 'code of the host'}</dd>
        <dt>Workers</dt>
        <dd>{`${workers}, and ${spares} ready for the next environment or save`}</dd>
        {memoryBytes !== undefined && memoryBytes > 0 && (
          <>
            <dt>Memory</dt>
            <dd>{bytes(memoryBytes)}</dd>
          </>
        )}
        <dt>Debugger</dt>
        <dd>
          {inspectPort === undefined
            ? 'Off: docs/debugging.md says how to start it.'
            : `Attach to 127.0.0.1:${inspectPort}: in VS Code a launch configuration of type node with "request": "attach", in Chrome chrome://inspect.`}
        </dd>
      </dl>
      <p class="actions">
        <button type="button" onClick={reload}>
          Reload
        </button>
        <span role="status" class="quiet">
          {said}
        </span>
      </p>
    </section>
  )
}
