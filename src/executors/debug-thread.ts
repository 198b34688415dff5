import { randomUUID } from 'node:crypto'
import { Session, url } from 'node:inspector'
import type { DebugLink, DebugListener, DebugTarget } from './debug-target.js'

/** As the inspector calls a thread: `[worker 3] api`. */
const THREAD_ID = /^\[worker (\d+)\]/

interface Attached {
  readonly sessionId: string
  readonly workerInfo: { readonly title: string }
}

/** A worker thread of this process, reached through the inspector's `NodeWorker` domain. */
export class ThreadDebugTarget implements DebugTarget {
  readonly id = randomUUID()
  readonly title: string
  readonly #threadId: number
  #links = 0

  constructor(threadId: number, title: string) {
    this.#threadId = threadId
    this.title = title
  }

  /** Who debugs this process reaches its threads; whether somebody does, Node does not tell. */
  get attached(): boolean {
    return url() !== undefined || this.#links > 0
  }

  async connect(listener: DebugListener): Promise<DebugLink> {
    const session = new Session()
    session.connect()
    const attached: Attached[] = []
    session.on('NodeWorker.attachedToWorker', ({ params }) => attached.push(params))
    // Reports every living thread before it returns.
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
    const own = attached.find(({ workerInfo }) => threadIdOf(workerInfo.title) === this.#threadId)
    for (const { sessionId } of attached) {
      if (sessionId !== own?.sessionId) session.post('NodeWorker.detach', { sessionId })
    }
    if (own === undefined) {
      session.disconnect()
      throw new Error(`Thread ${this.#threadId} has ended.`)
    }
    return this.#link(session, own.sessionId, listener)
  }

  #link(session: Session, sessionId: string, listener: DebugListener): DebugLink {
    this.#links++
    let open = true
    const end = () => {
      open = false
      this.#links--
      session.disconnect()
    }
    const send = (message: string) => {
      if (open) session.post('NodeWorker.sendMessageToWorker', { sessionId, message })
    }
    // A thread that starts meanwhile is somebody else's.
    session.on('NodeWorker.attachedToWorker', ({ params }) => {
      session.post('NodeWorker.detach', { sessionId: params.sessionId })
    })
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      if (open && params.sessionId === sessionId) listener.onMessage(params.message)
    })
    session.on('NodeWorker.detachedFromWorker', ({ params }) => {
      if (!open || params.sessionId !== sessionId) return
      end()
      listener.onClose()
    })
    const close = () => {
      if (!open) return
      // Node leaves a thread paused whose debugger was detached before it let go (measured on Node 20, 22 and 24).
      send('{"id":0,"method":"Debugger.disable"}')
      session.post('NodeWorker.detach', { sessionId })
      end()
    }
    return { send, close }
  }
}

function threadIdOf(title: string): number {
  return Number(THREAD_ID.exec(title)?.[1])
}
