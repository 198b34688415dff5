import { checkSignal, wholeNumber } from '../../core/base/option-checks.js'
import { checkOptions } from '../../core/base/options.js'
import type { AbortOptions } from '../../core/contracts/transport.js'
import type { QueueMessage } from './message.js'

/** How to receive messages. */
export interface ReceiveOptions extends AbortOptions {
  /** The most messages, 1 to 10. @default 1 */
  readonly max?: number | undefined
  /** How long they stay invisible to others, 0 to 43,200,000 milliseconds. @default the queue's */
  readonly visibilityTimeoutMs?: number | undefined
  /** How long to wait for the first, 0 to 20,000 milliseconds. @default the queue's `receiveWaitMs` */
  readonly waitMs?: number | undefined
}

/** A message that is in flight until it is deleted or its visibility timeout ends. */
export interface ReceivedMessage extends QueueMessage {
  /** Deletes the message; every receive returns a new handle. */
  readonly receiptHandle: string
}

/** Twelve hours, in milliseconds. */
export const MAX_VISIBILITY_MS = 43_200_000
/** The longest long poll, in milliseconds. */
export const MAX_WAIT_MS = 20_000
/** Most messages to receive, send, delete or change at once. */
export const MAX_BATCH = 10

export function checkReceive(options: ReceiveOptions): ReceiveOptions {
  return checkOptions('receive', options, {
    max: wholeNumber(1, MAX_BATCH),
    visibilityTimeoutMs: wholeNumber(0, MAX_VISIBILITY_MS),
    waitMs: wholeNumber(0, MAX_WAIT_MS),
    signal: checkSignal,
  })
}
