import { Session } from 'node:inspector'
import { parentPort } from 'node:worker_threads'
import { setImmediate } from '../../core/base/timers.js'
import type { InspectorReport, InspectorRequest } from '../debug/inspector-messages.js'

/** The inspector's title of a thread: `[worker 3] api`. */
const THREAD_ID = /^\[worker (\d+)\]/

/** An inspector session with one thread of the host, in addition to any others. */
class Link {
  readonly #session = new Session()
  readonly #report: (report: InspectorReport) => void
  readonly #link: number
  /** Undefined until the thread is found. */
  #sessionId: string | undefined
  #connected = true

  constructor(link: number, threadId: number, report: (report: InspectorReport) => void) {
    this.#link = link
    this.#report = report
    // From a separate thread: see `ThreadInspector`.
    this.#session.connectToMainThread()
    this.#session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
      const found = Number(THREAD_ID.exec(workerInfo.title)?.[1])
      // Other threads, including later ones, are not for this link.
      if (found !== threadId) this.#post('NodeWorker.detach', { sessionId })
      else this.#sessionId = sessionId
    })
    this.#session.on('NodeWorker.receivedMessageFromWorker', ({ params: { sessionId, message } }) => {
      if (sessionId === this.#sessionId) report({ kind: 'message', link, message })
    })
    this.#session.on('NodeWorker.detachedFromWorker', ({ params: { sessionId } }) => {
      if (sessionId === this.#sessionId) this.#end()
    })
    // Every living thread is reported before the answer.
    this.#post('NodeWorker.enable', { waitForDebuggerOnStart: false }, () => {
      if (this.#sessionId === undefined) this.#end()
      else if (this.#connected) report({ kind: 'opened', link })
    })
  }

  get connected(): boolean {
    return this.#connected
  }

  send(message: string): void {
    this.#post('NodeWorker.sendMessageToWorker', { sessionId: this.#sessionId, message })
  }

  close(): void {
    // If a debugger is detached before it continues a thread, Node leaves the thread paused (measured on Node 20, 22
    // and 24).
    this.send('{"id":0,"method":"Debugger.disable"}')
    this.#post('NodeWorker.detach', { sessionId: this.#sessionId })
    this.#disconnect()
  }

  #post(method: string, params: object, answered?: () => void): void {
    if (this.#connected) this.#session.post(method, params, answered)
  }

  #end(): void {
    if (!this.#connected) return
    this.#disconnect()
    this.#report({ kind: 'closed', link: this.#link })
  }

  #disconnect(): void {
    this.#connected = false
    // Not during a call of one of its listeners.
    setImmediate(() => this.#session.disconnect())
  }
}

/** The program of the inspector's thread. Built to `dist/run/debug-inspector.mjs`. */
const links = new Map<number, Link>()
const report = (message: InspectorReport) => {
  if (message.kind === 'closed') links.delete(message.link)
  parentPort?.postMessage(message)
}
parentPort?.on('message', (request: InspectorRequest) => {
  if (request.kind === 'connect') {
    const link = new Link(request.link, request.threadId, report)
    if (link.connected) links.set(request.link, link)
    return
  }
  const link = links.get(request.link)
  if (request.kind === 'send') return link?.send(request.message)
  links.delete(request.link)
  link?.close()
})
