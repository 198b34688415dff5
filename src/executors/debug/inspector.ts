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
 * Reaches this process's worker threads through Node's inspector, from a separate thread that starts on first use. The
 * thread that started the workers must not do this: Node iterates over its list of workers while it calls a session's
 * listeners. If a worker ends meanwhile, an interrupt of that very JavaScript removes it from the list, and the process
 * crashes (`WorkerManager::SetAutoAttach`; seen on Node 20, 22 and 24).
 */
export class ThreadInspector {
  #worker: Worker | undefined
  #lastLink = 0
  readonly #links = new Map<number, Link>()

  /** Rejects if the thread has ended, or if there is no answer within five seconds. */
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

  /** Ends every link. Paused code stays paused: end the threads first. */
  async close(): Promise<void> {
    const worker = this.#worker
    this.#ended()
    await worker?.terminate()
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker
    // Inherits nothing from the host, like the threads that run functions.
    const worker = new Worker(runFile('debug-inspector'), {
      name: 'lambda-tether inspector',
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
    })
    worker.unref()
    worker.on('message', (report: InspectorReport) => this.#receive(report))
    // An 'exit' follows.
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
