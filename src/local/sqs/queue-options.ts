import { type Complete, defined } from '../../core/base/defined.js'
import { wholeNumber, withMethods } from '../../core/base/option-checks.js'
import { checkOptions, invalidOption } from '../../core/base/options.js'
import type { LocalFunction } from '../lambda/function.js'
import type { MessageAttributes } from '../message-attributes.js'
import type { EventSourceOptions, LocalEventSource } from './event-source.js'
import { MAX_VISIBILITY_MS, MAX_WAIT_MS, type ReceivedMessage, type ReceiveOptions } from './receive.js'

/**
 * Options of a queue, with the limits of SQS:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
 */
export interface LocalQueueOptions {
  /** How long a received message is invisible to others, 0 to 43,200,000 milliseconds. @default 30000 */
  readonly visibilityTimeoutMs?: number | undefined
  /** How long a new message is invisible, 0 to 900,000 milliseconds. @default 0 */
  readonly delayMs?: number | undefined
  /** How long a message is kept, 60,000 to 1,209,600,000 milliseconds. @default 345600000, four days */
  readonly retentionMs?: number | undefined
  /** How long a receiver waits for the first message, 0 to 20,000 milliseconds. @default 0 */
  readonly receiveWaitMs?: number | undefined
  /** The largest message with its attributes, 1,024 to 1,048,576 bytes. @default 1048576 */
  readonly maximumMessageBytes?: number | undefined
  /** Another queue of the same cloud; receives messages that were received `maxReceiveCount` times. @default none */
  readonly deadLetterQueue?: LocalQueue | undefined
  /** 1 to 1,000; goes with `deadLetterQueue`. @default 10, as on AWS, if there is a `deadLetterQueue` */
  readonly maxReceiveCount?: number | undefined
}

/** Options of a send. */
export interface QueueSendOptions {
  /** At most ten. @default none */
  readonly attributes?: MessageAttributes | undefined
  /** How long the message is invisible at first, 0 to 900,000 milliseconds. @default the queue's */
  readonly delayMs?: number | undefined
}

/** How many messages a queue has. */
export interface QueueCounts {
  readonly visible: number
  /** Received, and neither deleted nor visible again. */
  readonly inFlight: number
  /** Sent with a delay that has not ended. */
  readonly delayed: number
}

/** A standard queue, as on SQS: messages arrive at least once. */
export interface LocalQueue {
  readonly name: string
  readonly arn: string
  /** For an SQS client's `QueueUrl`. @throws TetherError `CLOSED` before `open()` of its cloud */
  readonly url: string
  readonly counts: QueueCounts
  /** @throws TetherError `INVALID_OPTION`, `TOO_LARGE` */
  send(body: string, options?: QueueSendOptions): Promise<{ readonly messageId: string }>
  /** Receives visible messages; empty if none arrives in time. @throws TetherError `INVALID_OPTION`, `THROTTLED` */
  receive(options?: ReceiveOptions): Promise<readonly ReceivedMessage[]>
  /** Deletes a message by its last receipt; an older one changes nothing, as on SQS. */
  delete(receiptHandle: string): Promise<void>
  /**
   * Invokes a function with batches of messages, as Lambda's event source mapping does: successful messages are
   * deleted, failed ones become visible again after the visibility timeout. Competes with other receivers of the queue.
   * @throws TetherError `CLOSED`, `INVALID_OPTION`, also if the function's time-out exceeds the queue's visibility
   * timeout
   */
  subscribe(
    subscriber: Pick<LocalFunction, 'arn' | 'invoke' | 'timeoutMs'>,
    options?: EventSourceOptions,
  ): LocalEventSource
}

/** A queue's attributes. */
export type QueueSettings = Complete<Omit<LocalQueueOptions, 'deadLetterQueue'>>

const DEFAULTS: QueueSettings = {
  visibilityTimeoutMs: 30_000,
  delayMs: 0,
  retentionMs: 345_600_000,
  receiveWaitMs: 0,
  maximumMessageBytes: 1_048_576,
  maxReceiveCount: 10,
}

export const checkDelay = wholeNumber(0, 900_000)

/** Fills in the defaults. @throws TetherError `INVALID_OPTION` */
export function queueSettings(options: LocalQueueOptions): QueueSettings {
  const { deadLetterQueue, ...own } = checkOptions('queue', options, {
    visibilityTimeoutMs: wholeNumber(0, MAX_VISIBILITY_MS),
    delayMs: checkDelay,
    retentionMs: wholeNumber(60_000, 1_209_600_000),
    receiveWaitMs: wholeNumber(0, MAX_WAIT_MS),
    maximumMessageBytes: wholeNumber(1024, DEFAULTS.maximumMessageBytes),
    deadLetterQueue: withMethods('a queue of the local cloud', 'send'),
    maxReceiveCount: wholeNumber(1, 1000),
  })
  if (own.maxReceiveCount !== undefined && deadLetterQueue === undefined)
    throw invalidOption('maxReceiveCount', "goes with 'deadLetterQueue', which is not given")
  return { ...DEFAULTS, ...defined(own) }
}
