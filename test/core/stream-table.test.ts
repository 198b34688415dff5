// What each event does to a call whose response streams; `call-table.test.ts` has all other states.
import { expect, it } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import { step } from '../../src/core/caller/call.js'
import type {
  CallEffect,
  CallEvent,
  CallState,
  Facts,
  Moment,
  Terms,
} from '../../src/core/caller/call-state.js'
import { beginWait, wakeAt } from '../../src/core/caller/timing.js'
import type { SessionMessage } from '../../src/core/wire/protocol.js'

const OPTIONS = {
  ackTimeoutMs: 3_000,
  connectTimeoutMs: 5_000,
  deadlineMarginMs: 500,
  onSessionLost: 'rerun',
}
const NOW: Moment = {
  now: 100,
  connected: true,
  activeAt: 0,
  online: false,
  closed: false,
  latencyMs: 0,
  storeless: false,
}

function facts(streams: boolean, ackedBy?: string): Facts {
  const input = { functionId: 'api', remainingMs: 10_000, streams }
  const terms = { options: OPTIONS, input, mirrored: undefined, startedAt: 0, bytesToStore: undefined }
  const none = { outageAt: undefined, goodbye: undefined, stored: undefined, undelivered: undefined }
  return { terms: terms as unknown as Terms, ackedBy, ...none }
}

const STATES = {
  buffered: { phase: 'waiting', facts: facts(false), wait: beginWait(0), sent: 'm' },
  waiting: { phase: 'waiting', facts: facts(true), wait: beginWait(0), sent: 'm' },
  sending: { phase: 'sending', facts: facts(true), sinceAt: 0 },
  /** Session a has sent its first chunk. */
  streaming: { phase: 'streaming', facts: facts(true, 'a'), wait: beginWait(0), gapAt: undefined },
  /** A chunk of it has overtaken another. */
  gap: { phase: 'streaming', facts: facts(true, 'a'), wait: beginWait(0), gapAt: 90 },
} satisfies Record<string, CallState>

function from(session: string, message: object): CallEvent {
  return { type: 'message', message: { id: 'i', session, epoch: 1, ...message } as SessionMessage }
}
const chunk = { type: 'chunk', seq: 0, data: new Uint8Array() }
const broken = new TetherError('UNREACHABLE', 'cut')

it.each<[name: string, event: CallEvent, moment: Partial<Moment>, does: Record<string, string>]>([
  [
    'a chunk arrives',
    from('a', chunk),
    {},
    {
      buffered: 'latency 100 → waiting',
      waiting: 'latency 100, receive → streaming',
      sending: 'receive → streaming',
      streaming: 'receive → streaming',
      gap: 'receive → streaming',
    },
  ],
  [
    'the end arrives',
    from('a', { type: 'end', seq: 0 }),
    {},
    { waiting: 'latency 100, receive → streaming', streaming: 'receive → streaming' },
  ],
  ['a chunk of another session arrives', from('b', chunk), {}, { streaming: 'broken off, cancel → over' }],
  [
    'another session does not know it',
    from('b', { type: 'unknown' }),
    {},
    { streaming: 'broken off, cancel → over' },
  ],
  [
    'another session acknowledges it',
    from('b', { type: 'ack' }),
    {},
    { streaming: 'broken off, cancel → over' },
  ],
  ['the session acknowledges it', from('a', { type: 'ack' }), {}, { streaming: '→ streaming' }],
  ['an error arrives', from('a', { type: 'error' }), {}, { streaming: 'receive → streaming' }],
  [
    'it has taken a message',
    { type: 'received', gap: false, complete: false },
    {},
    { streaming: '→ streaming', gap: '→ streaming' },
  ],
  [
    'it has taken its last',
    { type: 'received', gap: false, complete: true },
    {},
    { streaming: 'received all → over' },
  ],
  [
    'its reader has taken bytes',
    { type: 'taken' },
    {},
    { streaming: 'credit → streaming', waiting: '→ waiting' },
  ],
  ['its reader has gone', { type: 'returned' }, {}, { streaming: 'returned, cancel → over' }],
  [
    'credit cannot leave',
    { type: 'failed', effect: 'credit', error: broken },
    {},
    { streaming: '→ streaming' },
  ],
  ['the invocation has left', { type: 'sent', reference: 'n' }, {}, { streaming: '→ streaming' }],
  ['a connection is up', { type: 'connected' }, {}, { streaming: 'credit, asking → streaming' }],
  [
    'it is woken with a chunk overtaken',
    { type: 'wake' },
    {},
    { streaming: '→ streaming', gap: 'credit → streaming' },
  ],
  ['it is woken after a pause', { type: 'wake' }, { now: 500 }, { streaming: 'credit, asking → streaming' }],
  ['it is woken near its end', { type: 'wake' }, { now: 9_500 }, { streaming: 'deadline, cancel → over' }],
  ['the stub is closed', { type: 'stub closed' }, {}, { streaming: 'stub closed, cancel → over' }],
])('%s', (_name, event, moment, does) => {
  const actual = Object.keys(does).map((name) => {
    const { state, effects } = step(STATES[name as keyof typeof STATES], event, { ...NOW, ...moment })
    return [name, [effects.map(written).join(', '), `→ ${state.phase}`].filter(Boolean).join(' ')]
  })
  expect(Object.fromEntries(actual)).toEqual(does)
})

it('an overtaken chunk is asked for after 100 ms, and every 500 ms from then on', () => {
  const event = { type: 'received', gap: true, complete: false } as const
  let { state } = step(STATES.streaming, event, NOW)
  expect(wakeAt(state, NOW)).toBe(200)
  const moment = { ...NOW, now: 200 }
  ;({ state } = step(state, { type: 'wake' }, moment))
  expect(state).toMatchObject({ gapAt: 700 })
})

function written(effect: CallEffect): string {
  if (effect.type === 'fail') return effect.cancel ? `${effect.failure.why}, cancel` : effect.failure.why
  if (effect.type === 'latency') return `latency ${effect.ms}`
  if (effect.type === 'credit') return effect.asks ? 'credit, asking' : 'credit'
  return effect.type
}
