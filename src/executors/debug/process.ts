import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { DebugLink, DebugListener, DebugTarget } from './target.js'

/** An inspector's thread answers independently of its process, unless the process is frozen. */
const CONNECT_MS = 1_000

// Messages that Node writes to stderr when its inspector opens, and from then on.
const LISTENING = /^Debugger listening on (ws:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):\d+\/[\w-]+)$/
const NOTICES = [
  /^Debugger attached\.$/,
  /^Debugger (?:listening|ending) on ws:\/\/\S+$/,
  /^For help, see: https:\/\/nodejs\.org\/\S*(?:inspector|debugging)\S*$/,
  /^Waiting for the debugger to disconnect\.\.\.$/,
]

/** A Node process, reached through its own inspector once that listens, regardless of how it was opened. */
export class ProcessDebugTarget implements DebugTarget {
  readonly id = randomUUID()
  readonly title: string
  #url: string | undefined

  constructor(title: string) {
    this.title = title
  }

  get reachable(): boolean {
    return this.#url !== undefined
  }

  get attached(): boolean {
    return this.#url !== undefined
  }

  /** Reads a line of the process's stderr. Returns true if Node's inspector wrote the line, rather than user code. */
  hear(line: string): boolean {
    this.#url ??= LISTENING.exec(line)?.[1]
    return this.#url !== undefined && NOTICES.some((notice) => notice.test(line))
  }

  async connect(listener: DebugListener): Promise<DebugLink> {
    if (this.#url === undefined) throw new Error('The inspector of the process does not listen.')
    const { WebSocket } = await import('ws')
    // No size limit: source texts and profiles are large, and the process is ours.
    const socket = new WebSocket(this.#url, {
      handshakeTimeout: CONNECT_MS,
      perMessageDeflate: false,
      maxPayload: 0,
    })
    // A 'close' follows an error.
    socket.on('error', () => {})
    let open = false
    socket.on('message', (data) => {
      if (open) listener.onMessage(String(data))
    })
    socket.on('close', () => {
      if (open) listener.onClose()
      open = false
    })
    await once(socket, 'open')
    open = true
    return {
      send: (message) => socket.send(message, () => {}),
      // Node continues paused code when its last debugger disconnects.
      close: () => {
        open = false
        socket.close()
      },
    }
  }
}
