import type { InvocationRecord, RecordedLog, RecordedOutcome } from '../../src/recorder/index.js'
import { triggerOf } from '../../src/recorder/trigger.js'
import { stubContext } from '../support/stub-context.js'

const { callbackWaitsForEmptyEventLoop, getRemainingTimeInMillis, done, fail, succeed, ...context } =
  stubContext()

/** A record of an event, or of bytes that are none. */
export function recordOf(
  event: unknown,
  response: unknown = null,
  overrides: Partial<InvocationRecord> = {},
): InvocationRecord {
  const eventBytes = event instanceof Uint8Array ? event : Buffer.from(JSON.stringify(event))
  const body = response instanceof Uint8Array ? response : Buffer.from(JSON.stringify(response))
  const outcome: RecordedOutcome = { kind: 'value', body, value: response }
  return {
    id: 'AAAAAAAAAAAAAAAAAAAAAA',
    functionId: 'api',
    environmentId: 'BBBBBBBBBBBBBBBBBBBBBB',
    at: '2026-11-30T07:00:00.123Z',
    trigger: triggerOf(event),
    eventBytes,
    event,
    context,
    variables: ['TABLE'],
    rerun: false,
    mirrored: false,
    replayed: false,
    timing: { receivedMs: 1, endedMs: 5, limitMs: 10_000 },
    outcome,
    logs: [] as RecordedLog[],
    droppedLogs: 0,
    redacted: [],
    ...overrides,
  }
}
