import { useState } from 'preact/hooks'
import type { Detail } from '../api/contract.js'
import { fetchText, invocationPath } from '../api/request.js'

/** Copies the invocation in one of three forms; what is masked stays masked. */
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
      <button type="button" onClick={() => copy('Event', () => JSON.stringify(detail.event, null, 2))}>
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

/** A command that sends the same event to the function, for a POSIX shell. */
function invokeCommand({ head, context, event }: Detail): string {
  const { functionName } = context as { readonly functionName?: string }
  const name = functionName ?? head.functionId
  const payload = quoted(JSON.stringify(event) ?? 'null')
  return `aws lambda invoke --function-name ${quoted(name)} --cli-binary-format raw-in-base64-out --payload ${payload} /dev/stdout`
}

function quoted(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
