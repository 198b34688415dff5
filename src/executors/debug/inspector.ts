import { Worker } from 'node:worker_threads'
import { clearTimeout, setTimeout } from '../../core/base/timers.js'
import { runFile } from '../../run-files.js'
import type { InspectorReport, InspectorRequest } from './inspector-messages.js'
import type { DebugLink, DebugListener } from './target.js'

/** A thread starts within tens of milliseconds, unless a debugger of the host holds it. */
const CONNECT_MS = 5_000

interface Link {
  opened(): void
  message(message: string): void
  closed(): void
}

/**
 * Reaches this process's worker threads through Node's inspector, from a thread of its own, which starts when it is first
 * needed. Within the thread that started the workers this must not be done: Node walks its list of them while it calls a
 * session's listeners, a worker that ends meanwhile is taken off that list by an interrupt of that very JavaScript, and the
 * process crashes (`WorkerManager::SetAutoAttach`; seen on Node 20, 22 and 24).
 */
export class ThreadInspector {
  #worker: Worker | undefined
  #lastLink = 0
  readonly #links = new Map<number, Link>()

  /** Rejects where the thread has ended, or nobody answers within five seconds. */
  connect(threadId: number, listener: DebugListener): Promise<DebugLink> {
    const worker = this.#start()
    const link = ++this.#lastLink
    const request = (message: InspectorRequest) => worker.postMessage(message)
    const close = () => {
      if (this.#links.delete(link)) request({ kind: 'close', link })
    }
    const send = (message: string) => {
      if (this.#links.has(link)) request({ kind: 'send', link, message })
    }
    return new Promise((resolve, reject) => {
      let open = false
      const timer = setTimeout(() => {
        close()
        reject(new Error(`Thread ${threadId} cannot be debugged: the inspector does not answer.`))
      }, CONNECT_MS)
      this.#links.set(link, {
        opened: () => {
          clearTimeout(timer)
          open = true
          resolve({ send, close })
        },
        message: (message) => listener.onMessage(message),
        closed: () => {
          clearTimeout(timer)
          if (open) listener.onClose()
          else reject(new Error(`Thread ${threadId} has ended.`))
        },
      })
      request({ kind: 'connect', link, threadId })
    })
  }

  /** Ends every link. Code that is paused stays so: it is for whoever ends the threads first. */
  async close(): Promise<void> {
    const worker = this.#worker
    this.#ended()
    await worker?.terminate()
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker
    // With nothing of the host's, as the threads that run functions.
    const worker = new Worker(runFile('debug-inspector'), {
      name: 'lambda-tether inspector',
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
    })
    worker.unref()
    worker.on('message', (report: InspectorReport) => this.#receive(report))
    // Followed by 'exit'.
    worker.on('error', () => {})
    worker.on('exit', () => {
      if (this.#worker === worker) this.#ended()
    })
    this.#worker = worker
    return worker
  }

  #receive(report: InspectorReport): void {
    const link = this.#links.get(report.link)
    if (link === undefined) return
    if (report.kind === 'opened') return link.opened()
    if (report.kind === 'message') return link.message(report.message)
    this.#links.delete(report.link)
    link.closed()
  }

  #ended(): void {
    this.#worker = undefined
    const links = [...this.#links.values()]
    this.#links.clear()
    for (const link of links) link.closed()
  }
}
