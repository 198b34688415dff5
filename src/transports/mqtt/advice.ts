import { type TetherError, withWords } from '../../core/base/errors.js'
import type { ConnectPhase } from '../socket/connect-phase.js'

/** What was seen of a connection that failed: the `details` of its error. */
export interface Seen {
  readonly during?: ConnectPhase
  /** The system's error, such as `ECONNRESET`, or the number by which a CONNACK refused. */
  readonly code?: string | number
  /** Of a refused WebSocket upgrade. */
  readonly statusCode?: number
  /** Whether the broker ended the connection in order and without a word. */
  readonly silent?: boolean
  readonly protocol?: string
  readonly role?: 'session' | 'stub'
  /** How the client id begins. */
  readonly clientIds?: string
  /** The topic of the last will, if there was one. */
  readonly will?: string
  /** The filters asked for; once established, the topics of the last second's messages. */
  readonly topics?: readonly string[]
  /** The filter that the SUBACK refused. */
  readonly refusedFilter?: string
}

/** A sentence for each case; the first that fits is said. */
export type Advice = readonly (readonly [fits: (seen: Seen) => boolean, words: (seen: Seen) => string])[]

// A code says why; where there is none, it has to be concluded from how far the connection came.
/** Whether the broker ended a connection in a phase and gave no code. */
export const cutAt =
  (phase: ConnectPhase) =>
  ({ during, code, refusedFilter, topics = [] }: Seen) =>
    during === phase &&
    typeof code !== 'number' &&
    refusedFilter === undefined &&
    !(phase === 'publish' && topics.length === 0)

/** For a message. */
export const quoted = (texts: readonly string[] = []) => texts.map((text) => `'${text}'`).join(' and ')

/** The error with what to do about it, if its details tell. */
export function advised(error: TetherError, advice: Advice): TetherError {
  if (error.code !== 'UNREACHABLE') return error
  const seen: Seen = error.details
  const words = advice.find(([fits]) => fits(seen))?.[1](seen)
  return words ? withWords(error, ` ${words}`) : error
}
