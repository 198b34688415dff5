import { dollars } from '../format.js'
import { usePage } from '../state/page-state.js'
import type { View } from '../state/route.js'

const VIEWS: readonly (readonly [View, string])[] = [
  ['invocations', 'Invocations'],
  ['functions', 'Functions'],
  ['connection', 'Connection'],
]

export function Header() {
  const page = usePage()
  const { view } = page.route.value
  const status = page.status.value
  const usd = status?.stats.estimatedUsd
  return (
    <header class="bar">
      <strong>
        {status === undefined ? 'lambda-tether' : `${status.session.app} · ${status.session.stage}`}
      </strong>
      <nav aria-label="Views">
        {VIEWS.map(([name, title]) => (
          <button
            type="button"
            class="tab"
            aria-current={view === name ? 'page' : undefined}
            onClick={() => page.go({ view: name })}
            key={name}
          >
            {title}
          </button>
        ))}
      </nav>
      <span class="space" />
      {usd !== undefined && (
        <span class="quiet" title="What the broker has cost so far, as estimated">
          {dollars(usd)}
        </span>
      )}
      <Pill />
      {status?.diagnose === true && (
        <button type="button" onClick={() => (page.dialog.value = 'diagnosis')}>
          Why did nothing arrive?
        </button>
      )}
      <button type="button" aria-label="Keys" title="Keys" onClick={() => (page.dialog.value = 'help')}>
        ?
      </button>
    </header>
  )
}

/** The session's connection to its broker, and ours to the session. */
function Pill() {
  const page = usePage()
  const status = page.status.value
  const away = page.stream.value !== 'open'
  const state = away || status === undefined ? 'no host' : status.connection.state
  return (
    <span class={`state ${state === 'connected' ? 'good' : 'bad'}`} role="status">
      {away || status === undefined ? state : `${status.transport}: ${state}`}
    </span>
  )
}
