import { isMethod, wholeNumber } from '../../../core/base/option-checks.js'
import { type Check, type Checks, mustBe, optionsOf } from '../../../core/base/options.js'
import type { Destination, QueueDestination, TopicDestination } from './destination.js'

/**
 * Handling of a function's asynchronous events, with the options of Lambda's event invoke and dead-letter
 * configurations: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
 */
export interface AsynchronousOptions {
  /** Retries after a function error, 0 to 2. @default 2, or fewer if the host's `retryDelaysMs` is shorter */
  readonly maximumRetryAttempts?: number | undefined
  /** How long an event may wait for an attempt, 60,000 to 21,600,000 milliseconds. @default 21600000, six hours */
  readonly maximumEventAgeMs?: number | undefined
  /** Receives a record of each event that succeeded: a queue, a topic or a function. @default none */
  readonly onSuccess?: Destination | undefined
  /** Receives a record of each event that was given up: a queue, a topic or a function. @default none */
  readonly onFailure?: Destination | undefined
  /**
   * A queue or topic that receives each event that was given up, unchanged, with the attributes `RequestID`,
   * `ErrorCode` and `ErrorMessage`. @default none
   */
  readonly deadLetter?: QueueDestination | TopicDestination | undefined
}

/** Six hours. */
export const MAX_EVENT_AGE_MS = 6 * 60 * 60_000

/** Checks a destination: a queue, a topic or a function of the local cloud. */
export const checkDestination: Check = (name, value) =>
  mustBe(
    'a queue, a topic or a function of the local cloud',
    isMethod(value, 'send') || isMethod(value, 'publish') || isMethod(value, 'invoke'),
    name,
    value,
  )

/** Options of asynchronous events. */
export const checkAsynchronous = optionsOf<AsynchronousOptions>({
  maximumRetryAttempts: wholeNumber(0, 2),
  maximumEventAgeMs: wholeNumber(60_000, MAX_EVENT_AGE_MS),
  onSuccess: checkDestination,
  onFailure: checkDestination,
  deadLetter: (name, value) =>
    mustBe(
      'a queue or a topic of the local cloud',
      isMethod(value, 'send') || isMethod(value, 'publish'),
      name,
      value,
    ),
} satisfies Checks<AsynchronousOptions>)
