import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { DiagnosisResult } from '../api/contract.js'
import { postJson } from '../api/request.js'
import { KEYS } from '../state/keyboard.js'
import { usePage } from '../state/page-state.js'

export function Dialogs() {
  const { dialog } = usePage()
  if (dialog.value === 'help') return <Help />
  return dialog.value === 'diagnosis' ? <Diagnosis /> : null
}

function Help() {
  return (
    <Dialog title="Keys">
      <dl class="keys">
        {KEYS.map(([key, does]) => (
          <>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </>
        ))}
      </dl>
    </Dialog>
  )
}

/** The findings of the host's `diagnose`. */
function Diagnosis() {
  const [result, setResult] = useState<DiagnosisResult | string | undefined>(undefined)
  useEffect(() => {
    postJson<DiagnosisResult>('/api/diagnose', {}).then(setResult, (error: unknown) =>
      setResult(error instanceof Error ? error.message : String(error)),
    )
  }, [])
  return (
    <Dialog title="Why did nothing arrive?">
      {result === undefined && <p class="quiet">Looking at the way from AWS to this machine…</p>}
      {typeof result === 'string' && <p class="failed">{result}</p>}
      {typeof result === 'object' && (
        <>
          <p>
            {result.ok
              ? 'Everything on the way is as it should be.'
              : 'This is in the way, where it says failed:'}
          </p>
          <ul class="checks">
            {result.checks.map(({ id, outcome, seen, advice }) => (
              <li key={id}>
                <span class={`state ${outcome === 'failed' ? 'bad' : 'good'}`}>{outcome}</span>
                <strong>{` ${id} `}</strong>
                {seen}
                {advice !== undefined && <p class="advice">{advice}</p>}
              </li>
            ))}
          </ul>
        </>
      )}
    </Dialog>
  )
}

function Dialog({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  const page = usePage()
  const element = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => element.current?.showModal(), [])
  const close = () => {
    page.dialog.value = undefined
  }
  return (
    <dialog ref={element} aria-labelledby="dialog-title" onClose={close}>
      <h1 id="dialog-title">{title}</h1>
      {children}
      <p class="actions">
        <button type="button" onClick={close}>
          Close
        </button>
      </p>
    </dialog>
  )
}
