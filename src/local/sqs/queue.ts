import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import { checkString } from '../../core/base/option-checks.js'
import { checkOptions, invalidOption } from '../../core/base/options.js'
import type { LocalFunction } from '../lambda/function.js'
import { checkMessageAttributes } from '../message-attributes.js'
import { Arrivals } from './arrivals.js'
import { EventSource, type EventSourceOptions, type LocalEventSource } from './event-source.js'
import { checkSent, newMessage, type QueueMessage, type SentMessage } from './message.js'
import {
  checkDelay,
  type LocalQueue,
  type QueueCounts,
  type QueueSendOptions,
  type QueueSettings,
} from './queue-options.js'
import { checkReceive, MAX_VISIBILITY_MS, type ReceivedMessage, type ReceiveOptions } from './receive.js'

/** A queue's name, and its surroundings in the cloud. */
export interface QueueSurroundings {
  readonly name: string
  readonly arn: string
  readonly region: string
  /** The access key of messages sent with {@link LocalQueue.send}. */
  readonly senderId: string
  readonly clock: Clock
  /** Returns the queue's URL. @throws TetherError `CLOSED` */
  url(): string
}

/** A message's place in a queue. */
interface Entry {
  message: QueueMessage
  /** Unix milliseconds. */
  visibleAt: number
  /** The handles of its receipts; only the last is valid. */
  readonly receipts: string[]
  receivedAt?: number
}

/** The outcome of changing a message's visibility. */
export type VisibilityChange = 'changed' | 'unknown' | 'not-in-flight' | 'too-long'

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const MAX_IN_FLIGHT = 120_000

/** A standard queue: at least once, in sending order unless something fails. */
export class SqsQueue implements LocalQueue {
  readonly settings: QueueSettings
  readonly deadLetterQueue: SqsQueue | undefined
  readonly #own: QueueSurroundings
  readonly #entries = new Set<Entry>()
  readonly #receipts = new Map<string, Entry>()
  readonly #arrivals: Arrivals
  readonly #sources = new Map<string, EventSource>()
  readonly #closed = new AbortController()

  constructor(settings: QueueSettings, deadLetterQueue: SqsQueue | undefined, own: QueueSurroundings) {
    this.settings = settings
    this.deadLetterQueue = deadLetterQueue
    this.#own = own
    this.#arrivals = new Arrivals(own.clock)
  }

  get name(): string {
    return this.#own.name
  }

  get arn(): string {
    return this.#own.arn
  }

  get url(): string {
    return this.#own.url()
  }

  get counts(): QueueCounts {
    this.#expire()
    const now = this.#own.clock.now()
    const counts = { visible: 0, inFlight: 0, delayed: 0 }
    for (const { visibleAt, receipts } of this.#entries) {
      if (visibleAt <= now) counts.visible += 1
      else if (receipts.length === 0) counts.delayed += 1
      else counts.inFlight += 1
    }
    return counts
  }

  async send(body: string, options: QueueSendOptions = {}): Promise<{ readonly messageId: string }> {
    const { attributes = {}, delayMs } = checkOptions('send', options, {
      attributes: checkMessageAttributes,
      delayMs: checkDelay,
    })
    checkString('body', body)
    const { senderId } = this.#own
    const { messageId } = this.put({ body, attributes, senderId }, delayMs)
    return { messageId }
  }

  async receive(options: ReceiveOptions = {}): Promise<readonly ReceivedMessage[]> {
    const { clock } = this.#own
    const {
      max = 1,
      visibilityTimeoutMs = this.settings.visibilityTimeoutMs,
      waitMs = this.settings.receiveWaitMs,
      signal,
    } = checkReceive(options)
    const until = clock.now() + waitMs
    for (;;) {
      const received = this.#take(max, visibilityTimeoutMs)
      const leftMs = until - clock.now()
      if (received.length > 0 || !(leftMs > 0) || signal?.aborted || this.#closed.signal.aborted)
        return received
      await this.#arrivals.wait(this.#nextMs(leftMs), signal)
    }
  }

  async delete(receiptHandle: string): Promise<void> {
    this.remove(receiptHandle)
  }

  subscribe(
    subscriber: Pick<LocalFunction, 'arn' | 'invoke' | 'timeoutMs'>,
    options: EventSourceOptions = {},
  ): LocalEventSource {
    if (this.#closed.signal.aborted) throw new TetherError('CLOSED', 'The local cloud was closed.')
    const { clock, region } = this.#own
    const { visibilityTimeoutMs } = this.settings
    const source = new EventSource(this, subscriber, options, { clock, region, visibilityTimeoutMs })
    if (this.#sources.has(subscriber.arn)) {
      throw invalidOption(
        'subscriber',
        `is subscribed to the queue '${this.name}' already: ${subscriber.arn}`,
      )
    }
    this.#sources.set(subscriber.arn, source)
    source.start(() => this.#sources.delete(subscriber.arn))
    return source
  }

  /** Adds a sent message. @throws TetherError `INVALID_OPTION`, `TOO_LARGE` */
  put(sent: SentMessage, delayMs = this.settings.delayMs): QueueMessage {
    checkSent(sent, this.settings.maximumMessageBytes)
    const now = this.#own.clock.now()
    const message = newMessage(sent, now)
    this.#add({ message, visibleAt: now + delayMs, receipts: [] })
    return message
  }

  /**
   * Deletes by a receipt. Only a message's last receipt deletes it, as on AWS. @returns false if it is not a receipt
   */
  remove(receiptHandle: string): boolean {
    const entry = this.#receipts.get(receiptHandle)
    if (entry?.receipts.at(-1) === receiptHandle) this.#forget(entry)
    return entry !== undefined || isReceipt(receiptHandle)
  }

  /** Sets when a received message becomes visible again, from now. */
  changeVisibility(receiptHandle: string, timeoutMs: number): VisibilityChange {
    const entry = this.#receipts.get(receiptHandle)
    if (entry === undefined) return isReceipt(receiptHandle) ? 'not-in-flight' : 'unknown'
    const now = this.#own.clock.now()
    if (entry.receipts.at(-1) !== receiptHandle || entry.visibleAt <= now) return 'not-in-flight'
    if (now + timeoutMs - (entry.receivedAt ?? now) > MAX_VISIBILITY_MS) return 'too-long'
    entry.visibleAt = now + timeoutMs
    this.#arrivals.notify()
    return 'changed'
  }

  /** Deletes every message. */
  purge(): void {
    for (const entry of this.#entries) this.#forget(entry)
  }

  /** Ends its event sources and all waits for messages. */
  async close(): Promise<void> {
    this.#closed.abort()
    await Promise.all([...this.#sources.values()].map((source) => source.close()))
    this.#arrivals.notify()
  }

  #take(max: number, visibilityTimeoutMs: number): ReceivedMessage[] {
    const { maxReceiveCount } = this.settings
    const { deadLetterQueue } = this
    const now = this.#own.clock.now()
    const received: ReceivedMessage[] = []
    let { inFlight } = this.counts
    for (const entry of this.#entries) {
      if (received.length === max) break
      if (entry.visibleAt > now) continue
      if (deadLetterQueue !== undefined && entry.message.receiveCount >= maxReceiveCount) {
        this.#forget(entry)
        deadLetterQueue.#add({
          message: {
            ...entry.message,
            receiveCount: 0,
            firstReceivedAt: undefined,
            deadLetterSource: this.arn,
          },
          visibleAt: now,
          receipts: [],
        })
        continue
      }
      if (inFlight >= MAX_IN_FLIGHT) {
        if (received.length > 0) break
        throw new TetherError(
          'THROTTLED',
          `'${this.name}' has ${MAX_IN_FLIGHT} messages in flight, SQS's limit.`,
        )
      }
      inFlight += 1
      received.push(this.#hand(entry, now, visibilityTimeoutMs))
    }
    return received
  }

  #hand(entry: Entry, now: number, visibilityTimeoutMs: number): ReceivedMessage {
    const { message } = entry
    entry.message = {
      ...message,
      receiveCount: message.receiveCount + 1,
      firstReceivedAt: message.firstReceivedAt ?? now,
    }
    entry.visibleAt = now + visibilityTimeoutMs
    entry.receivedAt = now
    const receiptHandle = randomBytes(96).toString('base64')
    entry.receipts.push(receiptHandle)
    this.#receipts.set(receiptHandle, entry)
    return { ...entry.message, receiptHandle }
  }

  #add(entry: Entry): void {
    this.#entries.add(entry)
    this.#arrivals.notify()
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry)
    for (const receipt of entry.receipts) this.#receipts.delete(receipt)
  }

  #expire(): void {
    const oldest = this.#own.clock.now() - this.settings.retentionMs
    for (const entry of this.#entries) if (entry.message.sentAt < oldest) this.#forget(entry)
  }

  /** Returns the time until the next message becomes visible, at most `leftMs`. */
  #nextMs(leftMs: number): number {
    const now = this.#own.clock.now()
    let next = leftMs
    for (const { visibleAt } of this.#entries) next = Math.min(next, visibleAt - now)
    return next
  }
}

function isReceipt(text: string): boolean {
  return /^[A-Za-z0-9+/]{128}$/.test(text)
}
