import { TetherError, toThrown } from '../core/base/errors.js'
import type { CallOutcome } from '../core/caller/call-state.js'
import { isHttpEvent } from '../core/contracts/http-event.js'
import { httpResponse } from './http-response.js'

/**
 * What an invocation becomes when no session takes it: `throw` an error (event sources retry), `respond` with an
 * HTTP 503 that explains itself (HTTP-shaped events; others throw), `passthrough` to the original code, or `auto`:
 * passthrough where there is one, respond for HTTP, else throw.
 */
export type OnNobody = 'auto' | 'throw' | 'respond' | 'passthrough'

/** Nothing ran: another outcome may take its place. */
const NOBODY = ['NO_SESSION', 'UNREACHABLE', 'DECLINED']

/**
 * What a function answers: what its session did, or what takes its place where none took the invocation.
 * @param passthrough runs the original code, where there is any
 * @param parse reads the answer's JSON
 * @throws what local code threw, or a TetherError whose name tells its code
 */
export async function callOrFallback(
  call: () => Promise<CallOutcome>,
  event: unknown,
  onNobody: OnNobody,
  passthrough: (() => unknown) | undefined,
  parse: (json: string) => unknown = JSON.parse,
): Promise<unknown> {
  try {
    const outcome = await call()
    if (outcome.kind === 'error') throw toThrown(outcome.error)
    if (outcome.kind === 'stream') throw new TetherError('PROTOCOL', 'A call that takes no stream got one.')
    return parsed(outcome.body, parse)
  } catch (error) {
    if (!(error instanceof TetherError)) throw error
    if (NOBODY.includes(error.code)) {
      if (passthrough !== undefined && (onNobody === 'auto' || onNobody === 'passthrough')) {
        return passthrough()
      }
      if (onNobody !== 'throw' && isHttpEvent(event)) {
        return httpResponse(event, 503, { message: error.message, code: error.code })
      }
    }
    throw named(error)
  }
}

/** Whether a function's time to be live is over; both in Unix milliseconds. */
export function isExpired(liveUntil: number | undefined, now: number): liveUntil is number {
  return liveUntil !== undefined && now >= liveUntil
}

/** @throws TetherError `NO_SESSION` once `liveUntil` is past */
export function throwIfExpired(liveUntil: number | undefined, now: number): void {
  if (!isExpired(liveUntil, now)) return
  throw new TetherError(
    'NO_SESSION',
    `This function was live until ${new Date(liveUntil).toISOString()}, and has not been restored since: a stub of lambda-tether ` +
      'stands in for its own code. Restore it, or go live again.',
  )
}

// The handlers of Node that this package runs answer JSON; a runtime of somebody's own may answer anything.
function parsed(body: Uint8Array, parse: (json: string) => unknown): unknown {
  try {
    return parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'))
  } catch (cause) {
    const message = `Local code answered with ${body.length} bytes that are no JSON, which is all that a stub can return.`
    throw new TetherError('EXECUTION_FAILED', message, { cause })
  }
}

// The runtime reports an error by its name, so that the name tells what happened.
function named(error: TetherError): TetherError {
  Object.defineProperty(error, 'name', { value: `LambdaTether.${error.code}` })
  return error
}
