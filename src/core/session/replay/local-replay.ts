import { randomBytes } from 'node:crypto'
import { onAbort } from '../../base/abort.js'
import { deferred } from '../../base/deferred.js'
import { abortError } from '../../base/errors.js'
import { run } from '../arrivals.js'
import type { Desk } from '../desk.js'
import { apply } from '../rules.js'
import type { ReplayEnd } from './outcome.js'
import type { ReplayRequest } from './request.js'

/**
 * Runs a recorded invocation as if it had arrived again, in the environment of the function's last invocation, which
 * may have a warm worker. Sends nothing.
 */
export async function replayLocally(desk: Desk, request: ReplayRequest): Promise<ReplayEnd> {
  const { functionId, context, event, timeoutMs, signal } = request
  const { environmentId, environment } = desk.environments.latest(functionId)
  const id = randomBytes(16).toString('base64url')
  const end = deferred<ReplayEnd>()
  const arrival = {
    id,
    from: environmentId,
    message: { functionId, context, remainingMs: timeoutMs, ageMs: 0 },
    environment,
    arrivedAt: desk.clock.now(),
    replay: end.resolve,
  }
  run(desk, arrival, event)
  const unlisten = onAbort(signal, () => {
    const record = desk.records.get(id)
    if (record !== undefined) apply(desk, 'cancel', record, abortError(signal!))
  })
  try {
    return await end.promise
  } finally {
    unlisten()
  }
}
