/** One server-sent event; `data` is its parsed JSON. */
export interface StreamEvent {
  readonly name: string
  readonly data: unknown
}

export type StreamState =
  | 'connecting'
  | 'open'
  /** The host does not answer. */
  | 'unreachable'
  /** Another host listens there, or the host was started again: this page's token is not valid there. */
  | 'unauthorized'

export interface StreamHandlers {
  state(state: StreamState): void
  event(event: StreamEvent): void
}

const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 3_000

/**
 * Reads `/api/stream`, and resumes after every interruption. `EventSource` gives up for good at any answer but 200, and
 * hides the answer's status. A hidden tab reads nothing until it is shown: browsers open at most six connections to a
 * host, for all of its tabs.
 */
export async function readStream(handlers: StreamHandlers, signal: AbortSignal): Promise<void> {
  let lastId: string | undefined
  let retryMs = FIRST_RETRY_MS
  handlers.state('connecting')
  while (!signal.aborted) {
    await shown()
    const hidden = new AbortController()
    const onChange = () => document.hidden && hidden.abort()
    document.addEventListener('visibilitychange', onChange)
    try {
      const response = await fetch('/api/stream', {
        headers: { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) },
        signal: AbortSignal.any([signal, hidden.signal]),
      })
      if (response.ok && response.body !== null) {
        handlers.state('open')
        retryMs = FIRST_RETRY_MS
        for await (const block of blocks(response.body)) {
          const { id, event } = parse(block)
          lastId = id ?? lastId
          if (event !== undefined) handlers.event(event)
        }
        handlers.state('unreachable')
      } else {
        handlers.state(response.status === 401 || response.status === 403 ? 'unauthorized' : 'unreachable')
      }
    } catch {
      if (signal.aborted) return
      if (hidden.signal.aborted) continue
      handlers.state('unreachable')
    } finally {
      document.removeEventListener('visibilitychange', onChange)
    }
    await new Promise((resolve) => window.setTimeout(resolve, retryMs))
    retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)
  }
}

/** Resolves when the tab is shown. */
async function shown(): Promise<void> {
  while (document.hidden)
    await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }))
}

async function* blocks(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let pending = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    pending += decoder.decode(value, { stream: true })
    const parts = pending.split(/\r?\n\r?\n/)
    pending = parts.pop() ?? ''
    yield* parts
  }
}

function parse(block: string): { id: string | undefined; event: StreamEvent | undefined } {
  let id: string | undefined
  let name = 'message'
  const data: string[] = []
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const value = line.slice(colon + 1).replace(/^ /, '')
    if (line.startsWith('id:')) id = value
    else if (line.startsWith('event:')) name = value
    else if (line.startsWith('data:')) data.push(value)
  }
  const event = data.length === 0 ? undefined : { name, data: JSON.parse(data.join('\n')) as unknown }
  return { id, event }
}
