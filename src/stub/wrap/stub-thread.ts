import { Worker } from 'node:worker_threads'
import { type Cancel, type Clock, systemClock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import type { CallOutcome } from '../../core/caller/call-state.js'
import type { CallInput } from '../../core/caller/options.js'
import type { Mirrored } from '../../core/wire/protocol.js'
import type { CallFacts } from '../call-input.js'
import type { StubReply, StubRequest, StubThreadData } from './stub-thread-messages.js'
import { Parts } from './stub-thread-parts.js'

export interface StubThreadOptions {
  /** The bundle that the thread runs. */
  readonly file: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Called once for each thread that failed. */
  onFailure(error: unknown): void
  readonly clock?: Clock
}

interface Pending {
  /** Whether a session has acknowledged the call: then it may have run. */
  acknowledged: boolean
  readonly resolve: (outcome: CallOutcome) => void
  readonly reject: (error: TetherError) => void
  /** The rest of a streamed outcome. */
  readonly parts: Parts
  readonly cancel: Cancel
}

/** Limit of queued copies: beyond it, the thread is stuck. */
const MAX_WAITING = 8
const RESTART_AFTER_MS = 60_000
// A copy is at most a few hundred kilobytes and a response 6 MB: a stub that needs more is broken.
const MAX_HEAP_MB = 128
/** A stub gives up earlier than this; without a reply by then, it hangs. */
const HANGS_BEFORE_MS = 100

/**
 * The stub of a wrapped function, in its own thread: its sockets, timers and faults stay out of the function, and the
 * function's event loop empties as it would without the stub. Keeps the process alive only during calls.
 */
export class StubThread {
  readonly #options: StubThreadOptions
  readonly #clock: Clock
  readonly #calls = new Map<number, Pending>()
  readonly #waiting = new Int32Array(new SharedArrayBuffer(4))
  #worker: Worker | undefined
  #startedAt = 0
  #number = 0
  #closed = false

  /** Starts the thread. @throws Node's error if the thread cannot start */
  constructor(options: StubThreadOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#start()
  }

  /**
   * Runs one invocation in the session.
   * @throws the errors of `Caller.call`. When the thread fails: `SESSION_LOST` if a session had acknowledged the
   * invocation, else `UNREACHABLE`. `DEADLINE` when the thread hangs; it is then terminated
   */
  call(input: CallInput): Promise<CallOutcome> {
    return new Promise((resolve, reject) => {
      const number = ++this.#number
      const worker = this.#running()
      if (worker === undefined) return reject(dead('has failed'))
      const { remainingMs } = input
      const cancel = this.#clock.schedule(Math.max(remainingMs - HANGS_BEFORE_MS, remainingMs / 2), () => {
        const text = "The stub's thread hangs: it said nothing until the function's time was over."
        const error = new TetherError('DEADLINE', text)
        reject(error)
        parts.fail(error)
        void worker.terminate()
      })
      const parts = new Parts({
        ask: () => this.#post(worker, { type: 'more', number }),
        leave: () => this.#post(worker, { type: 'leave', number }),
        over: () => this.#over(worker, number),
      })
      this.#calls.set(number, { acknowledged: false, resolve, reject, parts, cancel })
      worker.ref()
      this.#post(worker, { type: 'call', number, input })
    })
  }

  /** Sends a copy of an event; drops it if too many are queued. */
  mirror(facts: CallFacts, mirrored: Mirrored, event: string): void {
    const worker = this.#running()
    if (worker === undefined || Atomics.load(this.#waiting, 0) >= MAX_WAITING) return
    Atomics.add(this.#waiting, 0, 1)
    this.#post(worker, { type: 'mirror', facts, mirrored, event })
  }

  /** Ends the thread for good. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#worker?.terminate()
  }

  #running(): Worker | undefined {
    // Negative after the clock was set back: restart then, too.
    const agoMs = Math.abs(this.#clock.now() - this.#startedAt)
    if (this.#worker === undefined && !this.#closed && agoMs >= RESTART_AFTER_MS) this.#start()
    return this.#worker
  }

  #post(worker: Worker, request: StubRequest): void {
    worker.postMessage(request)
  }

  #start(): void {
    this.#startedAt = this.#clock.now()
    Atomics.store(this.#waiting, 0, 0)
    const workerData: StubThreadData = {
      lambdaTether: 'wrapped',
      waiting: this.#waiting.buffer as SharedArrayBuffer,
    }
    // Modules preloaded into the function (NODE_OPTIONS, flags) stay out of the stub.
    const { NODE_OPTIONS: _, ...env } = this.#options.env
    const worker = new Worker(this.#options.file, {
      workerData,
      env: env as NodeJS.ProcessEnv,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    })
    worker.on('message', (reply: StubReply) => this.#onReply(worker, reply))
    let failure: unknown
    worker.on('error', (error) => {
      failure = error
    })
    // Not at 'error': by 'exit', all messages have been handled, acknowledgements included.
    worker.on('exit', (code) => this.#ended(worker, failure ?? new Error(`it ended with code ${code}`)))
    // Last: adding a listener refs the worker again.
    worker.unref()
    this.#worker = worker
  }

  #onReply(worker: Worker, reply: StubReply): void {
    const { type, number } = reply
    const pending = this.#calls.get(number)
    if (pending === undefined) return
    if (type === 'acknowledged') pending.acknowledged = true
    else if (type === 'part') pending.parts.take(reply.part)
    else if (type === 'stream') {
      const { contentType } = reply
      pending.resolve({ kind: 'stream', contentType, body: pending.parts.bytes() })
    } else {
      this.#over(worker, number)
      if (type === 'outcome') pending.resolve(reply.outcome)
      else pending.reject(new TetherError(reply.code, reply.message))
    }
  }

  #over(worker: Worker, number: number): void {
    this.#calls.get(number)?.cancel()
    this.#calls.delete(number)
    if (this.#calls.size === 0) worker.unref()
  }

  #ended(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    if (!this.#closed) this.#options.onFailure(error)
    for (const { acknowledged, reject, parts, cancel } of this.#calls.values()) {
      cancel()
      const failure = dead(`has failed: ${String(error)}`, acknowledged)
      reject(failure)
      parts.fail(failure)
    }
    this.#calls.clear()
  }
}

function dead(what: string, acknowledged = false): TetherError {
  if (!acknowledged) return new TetherError('UNREACHABLE', `The stub's thread ${what}.`)
  return new TetherError(
    'SESSION_LOST',
    `The stub's thread ${what}. A session had acknowledged the invocation.`,
  )
}
