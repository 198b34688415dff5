import { useState } from 'preact/hooks'
import type { Detail } from '../api/contract.js'
import { fetchText, invocationPath } from '../api/request.js'
import { invokeCommand } from './invoke-command.js'

/** Copies the invocation in one of three forms; masked values stay masked. */
export function Copy({ detail }: { readonly detail: Detail }) {
  const [said, setSaid] = useState('')
  const copy = async (what: string, text: () => string | Promise<string>) => {
    try {
      await navigator.clipboard.writeText(await text())
      setSaid(`${what} copied`)
    } catch {
      setSaid(`${what}: the browser or the host refused`)
    }
  }
  const { id } = detail.head
  return (
    <>
      <button
        type="button"
        onClick={() => copy('Event', () => detail.eventBase64 ?? JSON.stringify(detail.event, null, 2))}
      >
        Copy event
      </button>
      <button type="button" onClick={() => copy('Fixture', () => fetchText(invocationPath(id, '/fixture')))}>
        Copy fixture
      </button>
      <button type="button" onClick={() => copy('Command', () => invokeCommand(detail))}>
        Copy aws lambda invoke
      </button>
      <a class="button" href={invocationPath(id, '/event')} download>
        Download event
      </a>
      <span role="status" class="quiet">
        {said}
      </span>
    </>
  )
}
