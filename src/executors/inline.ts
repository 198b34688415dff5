import { type Clock, systemClock } from '../core/base/clock.js'
import { abortError, TetherError, throwIfAborted, toLambdaError } from '../core/base/errors.js'
import { checkClock } from '../core/base/option-checks.js'
import { checkOptions } from '../core/base/options.js'
import { setImmediate } from '../core/base/timers.js'
import type { Answer, Executor, Outcome, Task } from '../core/contracts/executor.js'
import type { FunctionBuild } from '../core/contracts/function-source.js'
import type { Handler } from '../core/contracts/handler.js'
import type { AbortOptions } from '../core/contracts/transport.js'
import { callHandler, type HandlerEnd, serialiseResponse } from './entry/call-handler.js'
import { installAwslambda, streamingOf } from './entry/streaming/awslambda.js'
import { callStreamingHandler } from './entry/streaming/call-streaming-handler.js'
import { timedOut } from './execution-errors.js'
import { InlineStream } from './inline-stream.js'
import { Job } from './pool/job.js'
import { unsupportedBuild } from './unsupported-build.js'

/** Options of {@link inline}. */
export interface InlineOptions {
  /** @default the system clock */
  clock?: Clock | undefined
}

/**
 * Runs handlers in this process, on this event loop: for tests, and for hosts with a module graph of their own.
 *
 * Handlers share everything with the host: its globals; its `process.env`, where the function's own variables are not
 * set; its output, which is not captured; and its process, so that `process.exit()` or an endless loop ends or stops
 * the host. When the time is up or the caller gives up, the invocation ends but the code runs on. A callback's answer
 * does not wait for an empty event loop, which a host never has.
 *
 * Adds `awslambda.streamifyResponse` and `awslambda.HttpResponseStream` to this process's globals: import modules that
 * use them while loading after this call.
 * @throws TetherError `INVALID_OPTION`
 */
export function inline(options: InlineOptions = {}): Executor {
  checkOptions('inline', options, { clock: checkClock })
  installAwslambda(process.env)
  return new InlineExecutor(options.clock ?? systemClock)
}

class InlineExecutor implements Executor {
  readonly name = 'inline'
  readonly sharesEventLoop = true
  readonly #clock: Clock
  readonly #handlers = new Map<string, { build: FunctionBuild; handler: Promise<Handler> }>()
  readonly #running = new Set<Job>()
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async execute(task: Task, options: AbortOptions = {}): Promise<Outcome> {
    if (this.#closed) throw new TetherError('CLOSED', 'The executor is closed.')
    if (task.build.kind !== 'module') {
      throw unsupportedBuild('inline()', task)
    }
    // A signal created by a getter, on first read, cannot have fired: do not read it.
    throwIfAborted(Object.getOwnPropertyDescriptor(options, 'signal')?.value)
    const job = this.#run(task, options)
    this.#running.add(job)
    void job.over.then(() => this.#running.delete(job))
    return job.outcome
  }

  async reload(functionId: string): Promise<void> {
    this.#handlers.delete(functionId)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#running].map(({ over }) => over))
    this.#handlers.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #run(task: Task, options: AbortOptions): Job {
    const job = new Job(task)
    const timeLimitMs = Math.max(0, task.deadline - this.#clock.now())
    if (timeLimitMs === 0) {
      job.settle(timedOut(task, 0))
      return job
    }
    this.#call(job).catch((thrown: unknown) => job.settle(outcomeOf({ thrown })))
    // A job that ends in the same turn of the event loop needs no timer and no signal.
    setImmediate(() => {
      if (job.settled) return
      const leftMs = task.deadline - this.#clock.now()
      job.cancelEnd = this.#clock.schedule(leftMs, () => job.settle(timedOut(task, timeLimitMs)))
      job.listen(options.signal, (fired) => job.settle(abortError(fired)))
    })
    return job
  }

  async #call(job: Job): Promise<void> {
    const { task } = job
    const handler = await this.#handlerOf(task)
    const event: unknown = JSON.parse(
      Buffer.from(task.event.buffer, task.event.byteOffset, task.event.byteLength).toString(),
    )
    const { context, deadline } = task
    const call = { handler, event, context, deadline, now: () => this.#clock.now() }
    const streaming = streamingOf(handler)
    if (streaming) {
      await callStreamingHandler({ ...call, streaming, sink: new InlineStream(job) })
      job.settle(undefined)
    } else {
      callHandler({ ...call, waitsForEmptyLoop: false, onEnd: (end) => job.settle(outcomeOf(end)) })
    }
  }

  /** Asks the build for its handler once, and again after a reload. A failure is not cached. */
  async #handlerOf({ functionId, build }: Task): Promise<Handler> {
    if (build.kind !== 'module') throw new TypeError('not a module build')
    const known = this.#handlers.get(functionId)
    if (known?.build === build) return known.handler
    const handler = build.load()
    const entry = { build, handler }
    this.#handlers.set(functionId, entry)
    try {
      const loaded = await handler
      if (typeof loaded !== 'function')
        throw new TypeError(`The handler of '${functionId}' is not a function.`)
      return loaded
    } catch (error) {
      if (this.#handlers.get(functionId) === entry) this.#handlers.delete(functionId)
      throw error
    }
  }
}

function outcomeOf(end: HandlerEnd): Answer {
  try {
    if ('thrown' in end) return { kind: 'error', error: toLambdaError(end.thrown) }
    return { kind: 'value', body: serialiseResponse(end.value) }
  } catch (error) {
    return { kind: 'error', error: toLambdaError(error) }
  }
}
