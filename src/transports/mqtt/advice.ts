import { type TetherError, withWords } from '../../core/base/errors.js'
import type { ConnectPhase } from '../socket/connect-phase.js'

/** Observations about a failed connection: the `details` of its error. */
export interface Seen {
  readonly during?: ConnectPhase
  /** The system's error, such as `ECONNRESET`, or the number by which a CONNACK refused. */
  readonly code?: string | number
  /** The HTTP status of a refused WebSocket upgrade. */
  readonly statusCode?: number
  /** Whether the broker ended the connection in order and without a word. */
  readonly silent?: boolean
  readonly protocol?: string
  readonly role?: 'session' | 'stub'
  /** The client id's prefix. */
  readonly clientIds?: string
  /** The topic of the last will, if there was one. */
  readonly will?: string
  /** The requested filters; once established, the topics of the last second's messages. */
  readonly topics?: readonly string[]
  /** The filter that the SUBACK refused. */
  readonly refusedFilter?: string
}

/** A sentence for each case; the first that fits is used. */
export type Advice = readonly (readonly [fits: (seen: Seen) => boolean, words: (seen: Seen) => string])[]

// Without a code, the reason has to be concluded from the phase that the connection reached.
/** Matches a connection that the broker ended in the given phase without a code. */
export const cutAt =
  (phase: ConnectPhase) =>
  ({ during, code, refusedFilter, topics = [] }: Seen) =>
    during === phase &&
    typeof code !== 'number' &&
    refusedFilter === undefined &&
    !(phase === 'publish' && topics.length === 0)

/** Quotes texts for a message. */
export const quoted = (texts: readonly string[] = []) => texts.map((text) => `'${text}'`).join(' and ')

/** Appends advice to an error, if its details fit a case. */
export function advised(error: TetherError, advice: Advice): TetherError {
  if (error.code !== 'UNREACHABLE') return error
  const seen: Seen = error.details
  const words = advice.find(([fits]) => fits(seen))?.[1](seen)
  return words ? withWords(error, ` ${words}`) : error
}
