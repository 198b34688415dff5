import { usePage } from '../state/page-state.js'

/** How the first invocation comes to be. */
export function EmptyState() {
  const page = usePage()
  const name = page.status.value?.functions[0]?.functionId ?? 'YOUR-FUNCTION'
  return (
    <div class="nothing">
      <h2>Nothing has arrived yet</h2>
      <p>
        Do what invokes a function of yours that has the stub: request its URL, send to its queue, or invoke
        it directly:
      </p>
      <pre>{`aws lambda invoke --function-name ${name} \\\n  --cli-binary-format raw-in-base64-out --payload '{}' /dev/stdout`}</pre>
      <p>It appears here at once, runs on this machine, and its answer is returned to whoever waits.</p>
      {page.status.value?.diagnose === true ? (
        <button type="button" onClick={() => (page.dialog.value = 'diagnosis')}>
          Why did nothing arrive?
        </button>
      ) : (
        <p class="quiet">
          With the option diagnose, the inspector can look into why nothing arrives: see docs/inspector.md.
        </p>
      )}
    </div>
  )
}
