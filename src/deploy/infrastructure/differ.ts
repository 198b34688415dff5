import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { TetherError } from '../../core/base/errors.js'
import { clearTimeout, setTimeout } from '../../core/base/timers.js'
import { runFile } from '../../run-files.js'
import type { DiffAnswer, LibraryResult } from './differ-protocol.js'

interface Pending {
  resolve(result: LibraryResult): void
  reject(error: TetherError): void
}

const LIBRARY = '@aws-cdk/cloudformation-diff'
/** Idle time before the worker ends. The library keeps AWS's description of every resource in memory, about 100 MB. */
const IDLE_MS = 60_000

/** Compares templates in a worker thread, which starts with the first comparison and ends when idle. */
class Differ {
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #next = 1
  readonly #pending = new Map<number, Pending>()

  /** @throws TetherError `MISSING_DEPENDENCY`, `EXECUTION_FAILED` */
  async compare(before: object, after: object): Promise<LibraryResult> {
    clearTimeout(this.#idle)
    this.#worker ??= this.#start()
    const worker = this.#worker
    worker.ref()
    const id = this.#next++
    return new Promise<LibraryResult>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      worker.postMessage({ id, before, after })
    })
  }

  #start(): Worker {
    const worker = new Worker(runFile('template-diff'), { workerData: { url: libraryUrl() } })
    worker.on('message', (answer: DiffAnswer) => {
      const pending = this.#pending.get(answer.id)
      this.#pending.delete(answer.id)
      if ('result' in answer) pending?.resolve(answer.result)
      else pending?.reject(failed(answer.error))
      if (this.#pending.size === 0) this.#rest(worker)
    })
    worker.on('error', (error) => this.#end(worker, String(error)))
    worker.on('exit', () => this.#end(worker, 'its thread ended'))
    return worker
  }

  /** Lets the host exit while the worker is idle, and schedules the worker's end. */
  #rest(worker: Worker): void {
    worker.unref()
    this.#idle = setTimeout(() => void worker.terminate(), IDLE_MS).unref()
  }

  #end(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    clearTimeout(this.#idle)
    for (const { reject } of this.#pending.values()) reject(failed(reason))
    this.#pending.clear()
  }
}

/** Shared by all comparisons of a process: the worker takes more than a second to start. */
export const differ = new Differ()

function failed(reason: string): TetherError {
  return new TetherError('EXECUTION_FAILED', `${LIBRARY} could not compare the templates: ${reason}`)
}

function libraryUrl(): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve(LIBRARY)).href
  } catch (cause) {
    const message = `Comparing templates needs ${LIBRARY}. Run: npm install --save-dev ${LIBRARY} @aws-sdk/client-cloudformation`
    throw new TetherError('MISSING_DEPENDENCY', message, { cause })
  }
}
