import type { ComponentChildren } from 'preact'
import type { BuildError } from '../api/contract.js'
import { sessionText } from '../format.js'
import { usePage } from '../state/page-state.js'

/** Problems that keep invocations from being answered, shown on every view. */
export function Banners() {
  const page = usePage()
  const status = page.status.value
  const failed = status?.functions.filter(({ state }) => state === 'failed') ?? []
  return (
    <>
      {page.stream.value === 'unreachable' && (
        <Banner kind="warning">
          The host does not answer: it has ended, or is being started again. Connecting…
        </Banner>
      )}
      {page.stream.value === 'unauthorized' && (
        <Banner kind="warning">
          The host was started again, with another token. Open the address that it has printed: this page goes
          on by itself then.
        </Banner>
      )}
      {status?.displaced === true && (
        <Banner kind="error">
          {`The name was taken by ${sessionText(status.displacedBy)}: invocations go there. Close that session `}
          and start this one again, or give each a name of its own.
        </Banner>
      )}
      {failed.map(({ functionId, error }) => (
        <Banner kind="error" key={functionId}>
          <strong>{`${functionId} does not build. `}</strong>
          <BuildErrorText error={error} />
        </Banner>
      ))}
    </>
  )
}

/** A build's error, with its place. */
export function BuildErrorText({ error }: { readonly error: BuildError | undefined }) {
  if (error === undefined) return <span>Its error is not known.</span>
  const { message, file, line, column, text } = error
  const place = [file, line, column].filter((part) => part !== undefined).join(':')
  return (
    <span>
      {place !== '' && <code>{place}</code>}
      {` ${message}`}
      {text !== undefined && (
        <pre>{column === undefined ? text : `${text}\n${' '.repeat(Math.min(column, 200))}^`}</pre>
      )}
    </span>
  )
}

function Banner({
  kind,
  children,
}: {
  readonly kind: 'error' | 'warning'
  readonly children: ComponentChildren
}) {
  return (
    <div class={`banner ${kind}`} role="alert">
      {children}
    </div>
  )
}
