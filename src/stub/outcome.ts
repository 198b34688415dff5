import { TetherError, toThrown } from '../core/base/errors.js'
import type { CallOutcome } from '../core/caller/call-state.js'
import { isHttpEvent } from '../core/contracts/http-event.js'
import { httpResponse } from './http-response.js'

/**
 * Outcome of an invocation that no session takes: `throw` an error (event sources retry), `respond` with an HTTP 503
 * that explains itself (HTTP-shaped events; others throw), `passthrough` to the original code, or `auto`: passthrough
 * if there is original code, respond for HTTP, else throw.
 */
export type OnNobody = 'auto' | 'throw' | 'respond' | 'passthrough'

/** Errors raised before anything ran: another outcome may replace them. */
const NOBODY = ['NO_SESSION', 'UNREACHABLE', 'DECLINED']

/** How a handler delivers each outcome of an invocation: it returns it, or writes it to a stream. */
export interface Answering {
  /** Delivers the session's answer. @throws the error of local code, or TetherError */
  answer(outcome: CallOutcome): unknown
  /** Delivers a response of the stub's own. */
  respond(response: object): unknown
  /** Runs the original code, if any. */
  readonly passthrough: (() => unknown) | undefined
}

/**
 * Answers an invocation: with the session's outcome, or with the fallback if no session took it.
 * @throws the error of local code, or a TetherError named after its code
 */
export async function callOrFallback(
  call: () => Promise<CallOutcome>,
  event: unknown,
  onNobody: OnNobody,
  { answer, respond, passthrough }: Answering,
): Promise<unknown> {
  let outcome: CallOutcome
  try {
    outcome = await call()
  } catch (error) {
    if (error instanceof TetherError && NOBODY.includes(error.code)) {
      if (passthrough !== undefined && (onNobody === 'auto' || onNobody === 'passthrough')) {
        return passthrough()
      }
      if (onNobody !== 'throw' && isHttpEvent(event)) {
        return respond(httpResponse(event, 503, { message: error.message, code: error.code }))
      }
    }
    throw named(error)
  }
  try {
    return await answer(outcome)
  } catch (error) {
    throw named(error)
  }
}

/**
 * For a handler that returns its response.
 * @param parse parses an answer's JSON
 */
export function returning(
  passthrough: Answering['passthrough'],
  parse: (json: string) => unknown = JSON.parse,
): Answering {
  return {
    answer(outcome) {
      if (outcome.kind === 'error') throw toThrown(outcome.error)
      if (outcome.kind === 'stream') throw new TetherError('PROTOCOL', 'A call that takes no stream got one.')
      return parsed(outcome.body, parse)
    },
    respond: (response) => response,
    passthrough,
  }
}

/** Whether a function's live period is over; both in Unix milliseconds. */
export function isExpired(liveUntil: number | undefined, now: number): liveUntil is number {
  return liveUntil !== undefined && now >= liveUntil
}

/** @throws TetherError `NO_SESSION` once `liveUntil` has passed */
export function throwIfExpired(liveUntil: number | undefined, now: number): void {
  if (!isExpired(liveUntil, now)) return
  throw new TetherError(
    'NO_SESSION',
    `This function was live until ${new Date(liveUntil).toISOString()}, and has not been restored since: a stub of lambda-tether ` +
      'stands in for its own code. Restore it, or go live again.',
  )
}

// Node handlers that this package runs answer JSON; a custom runtime may answer anything.
function parsed(body: Uint8Array, parse: (json: string) => unknown): unknown {
  try {
    return parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'))
  } catch (cause) {
    const message = `Local code answered with ${body.length} bytes that are no JSON, which is all that a stub can return.`
    throw new TetherError('EXECUTION_FAILED', message, { cause })
  }
}

// The runtime reports an error by its name, so the name carries the code.
function named(error: unknown): unknown {
  if (!(error instanceof TetherError)) return error
  Object.defineProperty(error, 'name', { value: `LambdaTether.${error.code}` })
  return error
}
