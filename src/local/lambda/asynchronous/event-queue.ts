import type { Clock } from '../../../core/base/clock.js'
import { delay } from '../../../core/base/delay.js'
import type { ConcurrencySlots } from '../concurrency-slots.js'
import type { DiscardedEvent } from '../events.js'
import type { InvokeRequest, InvokeResult } from '../invoke-request.js'
import { type DeliveryOptions, type Destination, deliver } from './destination.js'
import { type AsynchronousOptions, MAX_EVENT_AGE_MS } from './options.js'
import { type AsynchronousEnd, deadLetterAttributes, destinationRecord } from './record.js'

/** Options of {@link EventQueue}. */
export interface EventQueueOptions {
  readonly functionName: string
  readonly functionArn: string
  readonly asynchronous: AsynchronousOptions
  /** The delay before each retry. */
  readonly retryDelaysMs: readonly number[]
  readonly slots: ConcurrencySlots
  readonly clock: Clock
  /** Runs one attempt in a slot that was taken for it, and returns the slot. */
  attempt(request: InvokeRequest, attempt: number): Promise<InvokeResult>
  onDiscard(event: DiscardedEvent): void
  /** A record could not be delivered. */
  onUndelivered(to: Destination, error: unknown): void
}

/**
 * A function's asynchronous events. Each is attempted until it succeeds, its retries are used up or it is too old; then
 * its outcome is sent to the function's destinations.
 */
export class EventQueue {
  readonly #options: EventQueueOptions
  readonly #closed = new AbortController()

  constructor(options: EventQueueOptions) {
    this.#options = options
  }

  /** Accepts an event; its outcome appears in the function's destinations and in `discard`. */
  accept(request: InvokeRequest): void {
    // Rejects if the host was closed meanwhile.
    this.#run(request).then(
      (end) => this.#told(end),
      () => {},
    )
  }

  /** Forgets events that wait for a retry. */
  close(): void {
    this.#closed.abort()
  }

  async #run(request: InvokeRequest): Promise<AsynchronousEnd> {
    const { retryDelaysMs, slots, clock, asynchronous } = this.#options
    const { maximumRetryAttempts = retryDelaysMs.length, maximumEventAgeMs = MAX_EVENT_AGE_MS } = asynchronous
    const acceptedAt = clock.now()
    let result: InvokeResult | undefined
    for (let attempts = 0; ; ) {
      if (slots.max === 0) return { condition: 'ZeroReservedConcurrency', request, attempts, result }
      // Lambda polls repeatedly for a throttled event; here it waits for a slot.
      await slots.take()
      if (clock.now() - acceptedAt > maximumEventAgeMs) {
        slots.release()
        return { condition: 'EventAgeExceeded', request, attempts, result }
      }
      attempts += 1
      result = await this.#options.attempt(request, attempts)
      if (result.functionError === undefined) return { condition: 'Success', request, attempts, result }
      const delayMs = retryDelaysMs[attempts - 1]
      if (delayMs === undefined || attempts > maximumRetryAttempts)
        return { condition: 'RetriesExhausted', request, attempts, result }
      await delay(delayMs, { clock, signal: this.#closed.signal })
    }
  }

  async #told(end: AsynchronousEnd): Promise<void> {
    const { functionName, functionArn, asynchronous, clock, onDiscard } = this.#options
    const { condition, request, attempts, result } = end
    const record = () => destinationRecord(end, functionArn, clock.now())
    if (condition === 'Success') {
      await this.#deliver(asynchronous.onSuccess, record)
      return
    }
    const { requestId, event } = request
    const error = result?.payload ?? new Uint8Array()
    onDiscard({ functionName, requestId, condition, attempts, event, error })
    await this.#deliver(asynchronous.deadLetter, () => Buffer.from(event).toString('utf8'), {
      attributes: deadLetterAttributes(end),
    })
    await this.#deliver(asynchronous.onFailure, record)
  }

  async #deliver(to: Destination | undefined, json: () => string, options?: DeliveryOptions): Promise<void> {
    if (to === undefined) return
    try {
      await deliver(to, json(), options)
    } catch (error) {
      this.#options.onUndelivered(to, error)
    }
  }
}
