import { randomUUID } from 'node:crypto'
import { Session, url } from 'node:inspector'
import { systemClock } from '../core/clock.js'
import { findPause } from './debug-pause.js'
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
  #ending = false

  constructor(threadId: number, title: string) {
    this.#threadId = threadId
    this.title = title
  }

  /** Who debugs this process reaches its threads; whether somebody does, Node does not tell. */
  get attached(): boolean {
    return url() !== undefined || this.#links > 0
  }

  async connect(listener: DebugListener): Promise<DebugLink> {
    const found = this.#find()
    if (found === undefined) throw new Error(`Thread ${this.#threadId} has ended.`)
    const { session, sessionId } = found
    this.#links++
    let connected = true
    let open = true
    const leave = () => {
      if (open) this.#links--
      open = false
    }
    // Any call may be the one that hears of the thread's end.
    const post = (method: string, params: object) => {
      if (connected && !this.#ending) session.post(method, params)
    }
    const disconnect = () => {
      if (!connected) return
      connected = false
      // Not while it calls one of the listeners below.
      setImmediate(() => session.disconnect())
    }
    // A thread that starts meanwhile is somebody else's.
    session.on('NodeWorker.attachedToWorker', ({ params }) => {
      post('NodeWorker.detach', { sessionId: params.sessionId })
    })
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      if (open && params.sessionId === sessionId) listener.onMessage(params.message)
    })
    session.on('NodeWorker.detachedFromWorker', ({ params }) => {
      if (params.sessionId !== sessionId) return
      disconnect()
      if (!open) return
      leave()
      listener.onClose()
    })
    const send = (message: string) => {
      if (open) post('NodeWorker.sendMessageToWorker', { sessionId, message })
    }
    const close = () => {
      if (!open) return
      // Node leaves a thread paused whose debugger was detached before it let go (measured on Node 20, 22 and 24).
      send('{"id":0,"method":"Debugger.disable"}')
      leave()
      // What ends disconnects by itself.
      if (this.#ending) return
      post('NodeWorker.detach', { sessionId })
      disconnect()
    }
    return { send, close }
  }

  /**
   * Has the thread terminate. A paused one does so only when it runs again, and runs no more code of its own then. Nothing
   * else is said to a thread that terminates, or Node may crash (both measured on Node 20, 22 and 24).
   */
  async end(terminate: () => Promise<unknown>): Promise<void> {
    const pause = this.attached ? await findPause(this, systemClock) : undefined
    const terminated = terminate()
    pause?.resume()
    this.#ending = true
    await terminated
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
