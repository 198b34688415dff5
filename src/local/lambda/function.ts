import { untilAborted } from '../../core/base/abort.js'
import { defined } from '../../core/base/defined.js'
import { TetherError, throwIfAborted } from '../../core/base/errors.js'
import { EventQueue, type EventQueueOptions } from './asynchronous/event-queue.js'
import { ConcurrencySlots } from './concurrency-slots.js'
import type { InvocationReport } from './events.js'
import type { EnvironmentState } from './execution-environment.js'
import { type RunOptions, runInvocation, streamInvocation } from './invocation-run.js'
import { type InvokeOptions, type InvokeRequest, type InvokeResult, invokeRequest } from './invoke-request.js'
import type { InvokeStream } from './streaming/invoke-stream.js'

/** A function of the local Lambda host. */
export interface LocalFunction {
  readonly name: string
  readonly arn: string
  /** Time limit of an invocation, in milliseconds. */
  readonly timeoutMs: number
  /**
   * Invokes the function. An event is JSON in bytes, or a value to be serialised as JSON. A failing function is a
   * result with `functionError`; the errors below are refusals of Lambda's Invoke call. The signal stops only the wait.
   * @throws TetherError `TOO_LARGE`, `INVALID_OPTION`, `THROTTLED`, `ABORTED`, `CLOSED`
   */
  invoke(event?: unknown, options?: InvokeOptions): Promise<InvokeResult>
  /**
   * Invokes the function as Lambda's InvokeWithResponseStream does. Resolves when its response begins; an unstreamed
   * response arrives as a whole. The signal stops the wait for the beginning.
   * @throws as {@link LocalFunction.invoke}
   */
  invokeWithResponseStream(event?: unknown, options?: Omit<InvokeOptions, 'type'>): Promise<InvokeStream>
  /** Its live execution environments. */
  environments(): readonly { readonly id: string; readonly pid?: number; readonly state: EnvironmentState }[]
  /** Ends the unused environments, as Lambda may do at any time: the next invocation starts cold. */
  expire(): Promise<void>
}

/** Options of {@link LambdaFunction}. */
export interface FunctionOptions
  extends RunOptions,
    Pick<EventQueueOptions, 'asynchronous' | 'retryDelaysMs' | 'onDiscard' | 'onUndelivered'> {
  readonly name: string
  /** Most invocations at once. */
  readonly concurrency: number
  onInvocation(report: InvocationReport): void
}

type Reported = Pick<InvokeResult, 'payload' | 'functionError' | 'durationMs' | 'initDurationMs'>

/** Runs invocations on a pool of environments, up to the concurrency limit; retries failed asynchronous ones. */
export class LambdaFunction implements LocalFunction {
  readonly #options: FunctionOptions
  readonly #slots: ConcurrencySlots
  readonly #events: EventQueue
  #timeoutMs: number
  #closed = false

  constructor(options: FunctionOptions) {
    this.#options = options
    this.#slots = new ConcurrencySlots(options.concurrency)
    this.#timeoutMs = options.timeoutMs
    this.#events = new EventQueue({
      ...options,
      functionName: options.name,
      functionArn: options.arn,
      slots: this.#slots,
      attempt: (request, attempt) => this.#attempt(request, attempt),
    })
  }

  get name(): string {
    return this.#options.name
  }

  get arn(): string {
    return this.#options.arn
  }

  get timeoutMs(): number {
    return this.#timeoutMs
  }

  async invoke(event?: unknown, options: InvokeOptions = {}): Promise<InvokeResult> {
    throwIfAborted(options.signal)
    if (this.#closed) throw closedError()
    const request = invokeRequest(event, options)
    if (request.type === 'Event') {
      this.#events.accept(request)
      return {
        requestId: request.requestId,
        statusCode: 202,
        payload: new Uint8Array(),
        logTail: '',
        durationMs: 0,
      }
    }
    this.#takeSlot()
    return untilAborted(() => this.#attempt(request, 1), options.signal)
  }

  async invokeWithResponseStream(
    event?: unknown,
    options: Omit<InvokeOptions, 'type'> = {},
  ): Promise<InvokeStream> {
    throwIfAborted(options.signal)
    if (this.#closed) throw closedError()
    const request = invokeRequest(event, options)
    this.#takeSlot()
    return untilAborted(() => this.#stream(request), options.signal)
  }

  environments(): { id: string; pid?: number; state: EnvironmentState }[] {
    return this.#options.pool.environments.map(({ id, pid, state }) => defined({ id, state, pid }))
  }

  expire(): Promise<void> {
    return this.#options.pool.expire()
  }

  /** Applies a changed definition: existing environments are not reused, and invocations have the new time-out. */
  renew({ timeoutMs, concurrency }: Pick<FunctionOptions, 'timeoutMs' | 'concurrency'>): void {
    this.#timeoutMs = timeoutMs
    this.#slots.resize(concurrency)
    this.#options.pool.renew()
  }

  /** Ends every environment; running invocations reject with `CLOSED`, queued events are forgotten. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    this.#events.close()
    this.#slots.close()
    await this.#options.pool.close()
  }

  #takeSlot(): void {
    if (this.#slots.tryTake()) return
    throw new TetherError(
      'THROTTLED',
      `Rate Exceeded. '${this.name}' runs ${this.#slots.max} invocations and may run no more at once. Try again later.`,
    )
  }

  /** Expects a slot to be taken, and returns it at the end of the response. */
  async #stream(request: InvokeRequest): Promise<InvokeStream> {
    try {
      const stream = await streamInvocation(request, { ...this.#options, timeoutMs: this.#timeoutMs })
      void stream.end.then(({ error, durationMs, initDurationMs }) => {
        this.#slots.release()
        const functionError = error && ('Unhandled' as const)
        const payload = error?.payload ?? new Uint8Array()
        if (!this.#closed) this.#report(request, 1, { payload, durationMs, initDurationMs, functionError })
      })
      return stream
    } catch (error) {
      this.#slots.release()
      throw error
    }
  }

  /** Expects a slot to be taken, and returns it. */
  async #attempt(request: InvokeRequest, attempt: number): Promise<InvokeResult> {
    try {
      const result = await runInvocation(request, { ...this.#options, timeoutMs: this.#timeoutMs })
      if (this.#closed) throw closedError()
      this.#report(request, attempt, result)
      return result
    } finally {
      this.#slots.release()
    }
  }

  #report({ requestId, type }: InvokeRequest, attempt: number, result: Reported): void {
    const { payload, functionError, durationMs, initDurationMs } = result
    const facts = { functionName: this.name, requestId, type, attempt }
    this.#options.onInvocation(defined({ ...facts, payload, durationMs, initDurationMs, functionError }))
  }
}

function closedError(): TetherError {
  return new TetherError('CLOSED', 'The local Lambda host was closed.')
}
