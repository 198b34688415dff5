import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/base/clock.js'
import { delay } from '../../core/base/delay.js'
import { checkFlag, wholeNumber } from '../../core/base/option-checks.js'
import { checkOptions, invalidOption } from '../../core/base/options.js'
import { ConcurrencySlots } from '../lambda/concurrency-slots.js'
import type { LocalFunction } from '../lambda/function.js'
import { checkInvoked } from '../option-checks.js'
import { failedOf } from './batch-outcome.js'
import { type SqsRecord, sqsRecord } from './event.js'
import { MAX_BATCH, MAX_WAIT_MS, type ReceivedMessage, type ReceiveOptions } from './receive.js'

/**
 * Options of an event source mapping, with Lambda's limits:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
 */
export interface EventSourceOptions {
  /**
   * Largest number of messages per invocation, 1 to 10,000; above 10 it needs a `batchWindowMs` of 1,000 or more.
   * @default 10
   */
  readonly batchSize?: number | undefined
  /** How long to gather a batch, 0 to 300,000 milliseconds. @default 0 */
  readonly batchWindowMs?: number | undefined
  /** Whether the function answers with the messages that failed (`batchItemFailures`); the others are deleted. @default false */
  readonly reportBatchItemFailures?: boolean | undefined
  /** Most batches at once, 2 to 1,000. Lambda begins with five and adds more while the queue is full. @default 5 */
  readonly maximumConcurrency?: number | undefined
}

/** A function's event source mapping. */
export interface LocalEventSource extends AsyncDisposable {
  readonly uuid: string
  /** Ends the mapping; invocations in progress finish. Idempotent. */
  close(): Promise<void>
}

/** The queue of an event source. */
export interface MessageSource {
  readonly arn: string
  receive(options?: ReceiveOptions): Promise<readonly ReceivedMessage[]>
  delete(receiptHandle: string): Promise<void>
}

export interface EventSourceSurroundings {
  readonly clock: Clock
  readonly region: string
  readonly visibilityTimeoutMs: number
}

/** The largest event of a synchronous invocation, in bytes. */
const MAX_EVENT_BYTES = 6 * 1024 * 1024
const BACK_OFF_MS = 1000
const FRAME_BYTES = Buffer.byteLength('{"Records":[]}')

interface Batch {
  readonly records: SqsRecord[]
  bytes: number
}

/** Polls a queue and invokes a function with the messages. */
export class EventSource implements LocalEventSource {
  readonly uuid = randomUUID()
  readonly #queue: MessageSource
  readonly #subscriber: Pick<LocalFunction, 'invoke'>
  readonly #options: Required<{ [K in keyof EventSourceOptions]: NonNullable<EventSourceOptions[K]> }>
  readonly #clock: Clock
  readonly #region: string
  readonly #slots: ConcurrencySlots
  readonly #closed = new AbortController()
  #onClose = () => {}

  /** @throws TetherError `INVALID_OPTION` */
  constructor(
    queue: MessageSource,
    subscriber: Pick<LocalFunction, 'arn' | 'invoke' | 'timeoutMs'>,
    options: EventSourceOptions,
    { clock, region, visibilityTimeoutMs }: EventSourceSurroundings,
  ) {
    checkInvoked('subscriber', subscriber)
    const {
      batchSize = 10,
      batchWindowMs = 0,
      reportBatchItemFailures = false,
      maximumConcurrency = 5,
    } = checkOptions('subscribe', options, {
      batchSize: wholeNumber(1, 10_000),
      batchWindowMs: wholeNumber(0, 300_000),
      reportBatchItemFailures: checkFlag,
      maximumConcurrency: wholeNumber(2, 1000),
    })
    if (batchSize > MAX_BATCH && batchWindowMs < 1000) {
      const given = `not ${batchWindowMs}, for a 'batchSize' of ${batchSize}; Lambda wants that above ${MAX_BATCH}`
      throw invalidOption('batchWindowMs', `must be 1000 or more, ${given}`)
    }
    if (subscriber.timeoutMs > visibilityTimeoutMs) {
      const times = `${subscriber.timeoutMs} ms, and the queue's visibility timeout is ${visibilityTimeoutMs} ms`
      throw invalidOption(
        'subscriber',
        `has a time-out of ${times}. Lambda refuses that, since messages would come again while they are worked on: raise 'visibilityTimeoutMs', to six times the time-out as AWS advises`,
      )
    }
    this.#queue = queue
    this.#subscriber = subscriber
    this.#options = { batchSize, batchWindowMs, reportBatchItemFailures, maximumConcurrency }
    this.#clock = clock
    this.#region = region
    this.#slots = new ConcurrencySlots(maximumConcurrency)
  }

  /** Begins to poll. @param onClose called when it has ended */
  start(onClose: () => void): void {
    this.#onClose = onClose
    void this.#poll()
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#closed.abort()
    this.#slots.close()
    this.#onClose()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #poll(): Promise<void> {
    for (;;) {
      await this.#slots.take()
      const batch = await this.#gather()
      if (this.#closed.signal.aborted) return
      void this.#run(batch).finally(() => this.#slots.release())
    }
  }

  /** Gathers one batch: all messages that arrive within the window, counted from the first. */
  async #gather(): Promise<ReceivedMessage[]> {
    const { signal } = this.#closed
    const { batchSize, batchWindowMs } = this.#options
    const gathered: ReceivedMessage[] = []
    let until = Number.POSITIVE_INFINITY
    let bytes = 0
    while (!signal.aborted) {
      const max = Math.min(MAX_BATCH, batchSize - gathered.length)
      const waitMs = Math.min(MAX_WAIT_MS, until - this.#clock.now())
      const received = await this.#receive(max, Math.max(0, waitMs))
      gathered.push(...received)
      for (const { body } of received) bytes += Buffer.byteLength(body)
      if (gathered.length > 0 && until === Number.POSITIVE_INFINITY) until = this.#clock.now() + batchWindowMs
      if (gathered.length >= batchSize || bytes >= MAX_EVENT_BYTES || this.#clock.now() >= until) break
    }
    return gathered
  }

  async #receive(max: number, waitMs: number): Promise<readonly ReceivedMessage[]> {
    const { signal } = this.#closed
    try {
      return await this.#queue.receive({ max, waitMs, signal })
    } catch {
      // Too many messages are in flight: retry after some have returned or been deleted.
      await delay(BACK_OFF_MS, { clock: this.#clock, signal }).catch(() => {})
      return []
    }
  }

  async #run(messages: readonly ReceivedMessage[]): Promise<void> {
    for (const { records } of batchesOf(
      messages.map((one) => sqsRecord(one, this.#queue.arn, this.#region)),
    )) {
      const failed = await this.#invoke(records)
      for (const { messageId, receiptHandle } of records)
        if (!failed.has(messageId)) await this.#queue.delete(receiptHandle)
    }
  }

  /** Returns the ids of the messages to deliver again. */
  async #invoke(records: readonly SqsRecord[]): Promise<ReadonlySet<string>> {
    const ids = records.map(({ messageId }) => messageId)
    try {
      const result = await this.#subscriber.invoke({ Records: records })
      return failedOf(result, ids, this.#options.reportBatchItemFailures)
    } catch {
      // Throttled, or closing: Lambda leaves the messages to their visibility timeout.
      return new Set(ids)
    }
  }
}

/** Splits records so that each event is within Lambda's size limit. */
function batchesOf(records: readonly SqsRecord[]): Batch[] {
  const batches: Batch[] = []
  for (const record of records) {
    const bytes = Buffer.byteLength(JSON.stringify(record)) + 1
    const last = batches.at(-1)
    if (last === undefined || last.bytes + bytes > MAX_EVENT_BYTES)
      batches.push({ records: [record], bytes: FRAME_BYTES + bytes })
    else {
      last.records.push(record)
      last.bytes += bytes
    }
  }
  return batches
}
