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
  readonly reachable = true
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
    const link = this.#open(listener)
    if (link === undefined) throw new Error(`Thread ${this.#threadId} has ended.`)
    return link
  }

  /**
   * Ends a pause, for a thread that has been told to terminate: it does so only when it runs again (measured on Node 20, 22
   * and 24), and runs no more code of its own.
   */
  release(): void {
    const link = this.#open({ onMessage() {}, onClose() {} })
    link?.send('{"id":1,"method":"Debugger.enable"}')
    link?.send('{"id":2,"method":"Debugger.resume"}')
    // It closes when the thread has ended.
  }

  #open(listener: DebugListener): DebugLink | undefined {
    const found = this.#find()
    if (found === undefined) return undefined
    const { session, sessionId } = found
    this.#links++
    let open = true
    const end = () => {
      if (!open) return
      open = false
      this.#links--
      // Not while it calls one of the listeners below: Node would crash.
      setImmediate(() => session.disconnect())
    }
    // Any call may be the one that hears of the thread's end.
    const post = (method: string, params: object) => {
      if (open) session.post(method, params)
    }
    // A thread that starts meanwhile is somebody else's.
    session.on('NodeWorker.attachedToWorker', ({ params }) => {
      post('NodeWorker.detach', { sessionId: params.sessionId })
    })
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      if (open && params.sessionId === sessionId) listener.onMessage(params.message)
    })
    session.on('NodeWorker.detachedFromWorker', ({ params }) => {
      if (!open || params.sessionId !== sessionId) return
      end()
      listener.onClose()
    })
    const send = (message: string) => post('NodeWorker.sendMessageToWorker', { sessionId, message })
    const close = () => {
      // Node leaves a thread paused whose debugger was detached before it let go (measured on Node 20, 22 and 24).
      send('{"id":0,"method":"Debugger.disable"}')
      if (!open) return
      end()
      session.post('NodeWorker.detach', { sessionId })
    }
    return { send, close }
  }

  /** The thread, among those that live. */
  #find(): { session: Session; sessionId: string } | undefined {
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
    if (own !== undefined) return { session, sessionId: own.sessionId }
    session.disconnect()
    return undefined
  }
}

function threadIdOf(title: string): number {
  return Number(THREAD_ID.exec(title)?.[1])
}
