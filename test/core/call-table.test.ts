import { describe, expect, it } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import { begin, step } from '../../src/core/caller/call.js'
import type {
  CallEffect,
  CallEvent,
  CallState,
  CallStep,
  Facts,
  LastingEffect,
  Moment,
  Terms,
  Wait,
} from '../../src/core/caller/call-state.js'
import type { SessionMessage } from '../../src/core/wire/protocol.js'

// The specification of a call: what each event does in each state. `call-times.test.ts` says when it asks and gives up.

/** Ten seconds are left when a call begins, the last half second for what comes after the wait. */
const TERMS = {
  options: { ackTimeoutMs: 3_000, connectTimeoutMs: 5_000, deadlineMarginMs: 500, onSessionLost: 'rerun' },
  input: { functionId: 'api', remainingMs: 10_000 },
  mirrored: undefined,
  startedAt: 0,
  bytesToStore: undefined,
} as unknown as Terms
const LARGE = { ...TERMS, bytesToStore: 300_000 }
const COPY: Terms = { ...TERMS, mirrored: 'event' }
const NO_RERUN: Terms = { ...TERMS, options: { ...TERMS.options, onSessionLost: 'fail' } }

const UNHEARD: Facts = {
  terms: TERMS,
  ackedBy: undefined,
  outageAt: undefined,
  goodbye: undefined,
  stored: undefined,
  undelivered: undefined,
}
const ACKED: Facts = { ...UNHEARD, ackedBy: 'a' }
const LOST: Facts = { ...UNHEARD, outageAt: 50 }
const STORED = { body: { key: 'k', secret: 's', bytes: 300_000 }, placedBy: 'a' }
const WAIT: Wait = {
  sinceAt: 10,
  heardAt: 20,
  partAt: Number.NEGATIVE_INFINITY,
  askedAt: Number.NEGATIVE_INFINITY,
  renewed: true,
}
const SENDING = { phase: 'sending', sinceAt: 10 } as const
const WAITING = { phase: 'waiting', wait: WAIT, sent: 'm' } as const

const STATES = {
  /** No connection is up yet. */
  connecting: { phase: 'connecting', facts: UNHEARD },
  /** The event is large, and the session was asked where to put it; it is on its way there. */
  placing: { phase: 'placing', facts: { ...UNHEARD, terms: LARGE }, wait: WAIT },
  putting: { phase: 'putting', facts: { ...UNHEARD, terms: LARGE } },
  /** The invocation is leaving. */
  sending: { ...SENDING, facts: UNHEARD },
  /** It has left as message m. Nobody has acknowledged it; no connection is up any more; its event went by the store. */
  waiting: { ...WAITING, wait: { ...WAIT, heardAt: 10 }, facts: UNHEARD },
  outage: { ...WAITING, facts: LOST },
  stored: { ...WAITING, facts: { ...UNHEARD, terms: LARGE, stored: STORED } },
  /** Session a has acknowledged it; and wants no second run; and has said that it has closed. */
  running: { ...WAITING, facts: ACKED },
  once: { ...WAITING, facts: { ...ACKED, terms: NO_RERUN } },
  closed: { ...WAITING, facts: { ...ACKED, goodbye: { session: 'a', at: 15 } } },
  /** Session a has answered, and the answer is on its way from the payload store. */
  fetching: { phase: 'fetching', facts: ACKED },
  /** A mirrored call waits for a connection, is leaving, has left. */
  copy: { phase: 'connecting', facts: { ...UNHEARD, terms: COPY } },
  copying: { ...SENDING, facts: { ...UNHEARD, terms: COPY } },
  copied: { ...WAITING, facts: { ...UNHEARD, terms: COPY } },
  over: { phase: 'over' },
} satisfies Record<string, CallState>

/** What happens, and in which states: effects; in parentheses the facts that change; the next phase, if it is another. */
type Outcomes = Readonly<Record<string, string>>

const NOW: Moment = {
  now: 100,
  connected: true,
  activeAt: 0,
  online: false,
  closed: false,
  latencyMs: 0,
  storeless: false,
}

const absent = new TetherError('UNREACHABLE', 'nobody', { details: { absent: true } })
const broken = new TetherError('UNREACHABLE', 'cut')
const refused = new TetherError('TOO_LARGE', 'over the limit')
const request = { url: 'https://store', headers: {} }

/** A session's message about this call; from session a, unless it says otherwise. */
function from(session: string, message: object): CallEvent {
  return { type: 'message', message: { id: 'i', session, epoch: 1, ...message } as SessionMessage }
}
function failed(effect: LastingEffect['type'], error: TetherError): CallEvent {
  return { type: 'failed', effect, error }
}

interface Row {
  readonly event: CallEvent
  readonly moment?: Partial<Moment>
  /** In states that are not named nothing happens. */
  readonly does: Outcomes
}

const ROWS: Record<string, Row> = {
  'a connection is up': {
    event: { type: 'connected' },
    does: {
      'invoke → sending': 'connecting',
      'presign 300000': 'placing',
      'ask m': 'waiting stored running once closed',
      'ask m (outageAt heardAt)': 'outage',
      'invoke with env → sending': 'copy',
    },
  },
  'a connection is up, and the last session had closed': {
    event: { type: 'connected' },
    moment: { closed: true },
    does: {
      'invoke → sending': 'connecting',
      'presign 300000': 'placing',
      'ask m': 'waiting stored running once closed',
      'ask m (outageAt heardAt)': 'outage',
      'value → over': 'copy',
    },
  },
  'the connection is lost': {
    event: { type: 'disconnected' },
    does: {
      '(outageAt)': 'placing putting sending waiting stored running once closed fetching copying copied',
    },
  },
  'the broker refuses a connection or what was sent, and not for the first time': {
    event: { type: 'refused' },
    does: {
      'unreachable → over': 'connecting copy copying copied',
      'unreachable, cancel → over': 'placing sending waiting outage stored',
    },
  },
  'a part of an answer arrives': {
    event: { type: 'part' },
    does: {
      '(heardAt partAt)': 'placing waiting outage stored running once closed copied',
    },
  },
  'the invocation has left': {
    event: { type: 'sent', reference: 'n' },
    does: {
      '→ waiting': 'sending',
      'value → waiting': 'copying',
    },
  },
  'an ack arrives': {
    event: from('a', { type: 'ack' }),
    does: {
      '(ackedBy)': 'connecting putting sending',
      '(ackedBy heardAt renewed)': 'placing outage stored',
      'latency 90 (ackedBy heardAt renewed)': 'waiting',
      '(heardAt renewed)': 'running once closed',
    },
  },
  'an ack of another session arrives': {
    event: from('b', { type: 'ack' }),
    does: {
      '(ackedBy)': 'connecting putting sending fetching',
      '(ackedBy heardAt renewed)': 'placing outage stored running once',
      'latency 90 (ackedBy heardAt renewed)': 'waiting',
      '(ackedBy goodbye heardAt renewed)': 'closed',
    },
  },
  'a result arrives': {
    event: from('a', { type: 'result', body: new Uint8Array() }),
    does: {
      'value → over': 'connecting placing putting sending outage stored running once closed fetching',
      'latency 90, value → over': 'waiting',
    },
  },
  'a stored result arrives': {
    event: from('a', { type: 'result', stored: { key: 'k', secret: 's', bytes: 1, request } }),
    does: {
      'get (ackedBy) → fetching': 'connecting placing putting sending outage stored',
      'latency 90, get (ackedBy) → fetching': 'waiting',
      'get → fetching': 'running once closed',
    },
  },
  'an error arrives': {
    event: from('a', { type: 'error', error: { errorType: 'E', errorMessage: '', trace: [] } }),
    does: {
      'error → over': 'connecting placing putting sending outage stored running once closed fetching',
      'latency 90, error → over': 'waiting',
    },
  },
  'a place arrives': {
    event: from('a', { type: 'url', key: 'k', request }),
    does: {
      'put k → putting': 'placing',
      'latency 90 (heardAt renewed)': 'waiting',
      '(heardAt renewed)': 'outage stored running once closed',
    },
  },
  'word of no place arrives': {
    event: from('a', { type: 'url' }),
    moment: { storeless: true },
    does: {
      'invoke → sending': 'placing',
      'latency 90 (heardAt renewed)': 'waiting',
      '(heardAt renewed)': 'outage stored running once closed',
    },
  },
  'a challenge arrives': {
    event: from('a', { type: 'challenge', nonce: 'nonce' }),
    does: {
      'ask nonce': 'connecting putting sending fetching copy copying',
      'ask nonce (heardAt renewed)': 'placing',
      'latency 90, ask m nonce (heardAt renewed)': 'waiting',
      'ask m nonce (heardAt renewed)': 'outage stored running once closed copied',
    },
  },
  'the variables are needed': {
    event: from('a', { type: 'need' }),
    does: {
      '(heardAt renewed)': 'placing',
      'latency 90, invoke with env → sending': 'waiting',
      'invoke with env → sending': 'outage',
      'invoke with env stored → sending': 'stored',
      'invoke with env acked by a → sending': 'running once closed',
    },
  },
  'parts of the last message are missing': {
    event: from('a', { type: 'missing', sent: 'm', parts: [1, 2] }),
    does: {
      '(heardAt renewed)': 'placing',
      'latency 90, resend 1,2 (undelivered heardAt renewed)': 'waiting',
      'resend 1,2 (undelivered heardAt renewed)': 'outage stored running once closed',
    },
  },
  'parts of an earlier message are missing': {
    event: from('a', { type: 'missing', sent: 'l', parts: [1, 2] }),
    does: {
      '(heardAt renewed)': 'placing',
      'latency 90, invoke → sending': 'waiting',
      'invoke → sending': 'outage',
      'invoke stored → sending': 'stored',
      'invoke acked by a → sending': 'running once closed',
    },
  },
  'the session does not know it': {
    event: from('a', { type: 'unknown' }),
    does: {
      '(heardAt renewed)': 'placing',
      'latency 90, invoke (undelivered) → sending': 'waiting',
      'invoke (undelivered) → sending': 'outage',
      'invoke stored (undelivered) → sending': 'stored',
      'invoke acked by a (undelivered) → sending': 'running once closed',
    },
  },
  'another session does not know it': {
    event: from('b', { type: 'unknown' }),
    does: {
      '(heardAt renewed)': 'placing',
      'latency 90, invoke (undelivered) → sending': 'waiting',
      'invoke (undelivered) → sending': 'outage',
      'presign 300000 (stored undelivered) → placing': 'stored',
      'invoke acked by a → sending': 'running',
      'restarted, cancel → over': 'once',
      'invoke acked by a (goodbye) → sending': 'closed',
    },
  },
  'the session declines it': {
    event: from('a', { type: 'decline', reason: 'no' }),
    does: {
      'declined → over': 'connecting placing putting sending outage stored running once closed fetching',
      'latency 90, declined → over': 'waiting',
    },
  },
  'another session declines it': {
    event: from('b', { type: 'decline', reason: 'no' }),
    does: {
      'declined → over': 'connecting placing putting sending outage stored',
      'latency 90, declined → over': 'waiting',
      'replaced, cancel → over': 'running once closed fetching',
    },
  },
  'presence is heard for the first time, and says online': {
    event: { type: 'presence', told: 'first', session: 'a', closed: false },
    moment: { online: true },
    does: {
      '(goodbye)': 'closed',
    },
  },
  'presence is heard for the first time, and says closed': {
    event: { type: 'presence', told: 'first', session: 'a', closed: true },
    moment: { closed: true },
    does: {
      'closed → over': 'connecting',
      'closed, cancel → over': 'placing putting sending waiting outage stored',
      '(goodbye)': 'running once fetching',
    },
  },
  'presence says the same again': {
    event: { type: 'presence', told: 'same', session: 'a', closed: false },
    moment: { online: true },
    does: {
      '(goodbye)': 'closed',
    },
  },
  'presence says that another session is there': {
    event: { type: 'presence', told: 'news', session: 'b', closed: false },
    moment: { online: true },
    does: {
      'presign 300000 (heardAt)': 'placing',
      'ask m (heardAt)': 'waiting outage stored running once',
      'ask m (goodbye heardAt)': 'closed',
    },
  },
  'presence says that the session is leaving, or lost': {
    event: { type: 'presence', told: 'news', session: 'a', closed: false },
    does: {
      '(heardAt)': 'placing waiting outage stored running once',
      '(goodbye heardAt)': 'closed',
    },
  },
  'presence says that the session has closed': {
    event: { type: 'presence', told: 'news', session: 'a', closed: true },
    moment: { closed: true },
    does: {
      '(goodbye)': 'connecting putting sending fetching',
      '(goodbye heardAt)': 'placing waiting outage stored running once',
      '(heardAt)': 'closed',
    },
  },
  'the event lies in the store': {
    event: { type: 'put', stored: STORED },
    does: {
      'invoke stored (stored) → sending': 'putting',
    },
  },
  'the answer has come from the store': {
    event: { type: 'got', body: new Uint8Array() },
    does: {
      'value → over': 'fetching',
    },
  },
  'the invocation cannot leave, since the connection broke': {
    event: failed('invoke', broken),
    does: {
      '→ waiting': 'sending',
      'error → over': 'copying',
    },
  },
  'the invocation cannot leave, since nobody is connected': {
    event: failed('invoke', absent),
    does: {
      'absent → over': 'sending',
      'error → over': 'copying',
    },
  },
  'the invocation cannot leave for good': {
    event: failed('invoke', refused),
    does: {
      'error, cancel → over': 'sending',
      'error → over': 'copying',
    },
  },
  'missing parts cannot leave, since the connection broke': {
    event: failed('resend', broken),
    does: {
      'error → over': 'copied',
    },
  },
  'missing parts cannot leave for good': {
    event: failed('resend', refused),
    does: {
      'error, cancel → over': 'waiting outage stored running once closed',
      'error → over': 'copied',
    },
  },
  'a question cannot leave, since the connection broke': {
    event: failed('ask', broken),
    does: {},
  },
  'a question cannot leave, since nobody is connected': {
    event: failed('ask', absent),
    does: {
      'absent → over': 'waiting outage stored',
    },
  },
  'the wish for a place cannot leave, since nobody is connected': {
    event: failed('presign', absent),
    does: {
      'absent → over': 'placing',
    },
  },
  'the event cannot be put': {
    event: failed('put', refused),
    does: {
      'error, cancel → over': 'putting',
    },
  },
  'the answer cannot be fetched': {
    event: failed('get', refused),
    does: {
      'error, cancel → over': 'fetching',
    },
  },
  'it is woken before anything is due': {
    event: { type: 'wake' },
    does: {},
  },
  'it is woken for a question': {
    event: { type: 'wake' },
    moment: { now: 600 },
    does: {
      'presign 300000 (askedAt)': 'placing',
      'ask m (askedAt)': 'waiting outage stored running once closed',
    },
  },
  'it is woken after a silence': {
    event: { type: 'wake' },
    moment: { now: 5_100 },
    does: {
      'unreachable → over': 'connecting',
      'silence, cancel → over': 'placing waiting stored',
      'replace (sinceAt)': 'sending',
      'unreachable, cancel → over': 'outage',
      'ask m (askedAt)': 'running once',
      'closed while running, cancel → over': 'closed',
      'dropped → over': 'copy copying copied',
    },
  },
  'it is woken in its last half second': {
    event: { type: 'wake' },
    moment: { now: 9_500 },
    does: {
      'deadline → over': 'connecting',
      'deadline, cancel → over': 'placing putting sending waiting outage stored running once closed fetching',
      'dropped → over': 'copy copying copied',
    },
  },
  'the stub is closed': {
    event: { type: 'stub closed' },
    does: {
      'stub closed → over': 'connecting copy copying copied',
      'stub closed, cancel → over':
        'placing putting sending waiting outage stored running once closed fetching',
    },
  },
}

describe('a call', () => {
  it.each([
    ['begins by sending, where a connection is up', TERMS, {}, 'invoke → sending'],
    ['begins by connecting, where none is', TERMS, { connected: false }, '→ connecting'],
    ['asks for a place for a large event first', LARGE, {}, 'presign 300000 → placing'],
    ['sends a large event, where the session has no store', LARGE, { storeless: true }, 'invoke → sending'],
    ['is sent although the last session has closed', TERMS, { closed: true }, 'invoke → sending'],
    ['as a copy brings the variables', COPY, {}, 'invoke with env → sending'],
    ['as a copy is not sent to a session that has closed', COPY, { closed: true }, 'value → over'],
  ])('%s', (_what, terms, moment, expected) => {
    expect(written(begin(terms, { ...NOW, ...moment }), undefined)).toBe(expected)
  })

  it.each(Object.entries(ROWS))('%s', (_what, { event, moment, does }) => {
    const actual: Record<string, string> = {}
    for (const [name, state] of Object.entries(STATES)) {
      const cell = written(step(state, event, { ...NOW, ...moment }), state)
      if (cell !== '') actual[cell] = actual[cell] === undefined ? name : `${actual[cell]} ${name}`
    }
    expect(actual).toEqual(does)
  })
})

/** A step as the table has it. */
function written({ state, effects }: CallStep, before: CallState | undefined): string {
  const same = state.phase === before?.phase
  const facts = changes(factsOf(before), factsOf(state))
  const changed = same ? [...facts, ...changes(waitOf(before), waitOf(state))] : facts
  return [
    effects.map(describeEffect).join(', '),
    changed.length > 0 ? `(${changed.join(' ')})` : '',
    same ? '' : `→ ${state.phase}`,
  ]
    .filter((part) => part !== '')
    .join(' ')
}

function changes(before: object | undefined, after: object | undefined): string[] {
  if (before === undefined || after === undefined) return []
  return Object.keys(before).filter(
    (name) => before[name as keyof typeof before] !== after[name as keyof typeof after],
  )
}

function factsOf(state: CallState | undefined): Facts | undefined {
  return state === undefined || state.phase === 'over' ? undefined : state.facts
}

function waitOf(state: CallState | undefined): object | undefined {
  if (state === undefined) return undefined
  if (state.phase === 'sending') return { sinceAt: state.sinceAt }
  return 'wait' in state ? state.wait : undefined
}

function describeEffect(effect: CallEffect): string {
  switch (effect.type) {
    case 'invoke': {
      const { ackedBy, stored } = effect.facts
      const how = [effect.withEnv && 'with env', stored && 'stored', ackedBy && `acked by ${ackedBy}`]
      return ['invoke', ...how.filter(Boolean)].join(' ')
    }
    case 'ask':
      return ['ask', effect.sent, effect.nonce].filter(Boolean).join(' ')
    case 'presign':
      return `presign ${effect.bytes}`
    case 'resend':
      return `resend ${effect.parts.join()}`
    case 'put':
      return `put ${effect.key}`
    case 'latency':
      return `latency ${effect.ms}`
    case 'settle':
      return effect.outcome.kind
    case 'fail':
      return `${effect.failure.why}${effect.cancel ? ', cancel' : ''}`
    default:
      return effect.type
  }
}
