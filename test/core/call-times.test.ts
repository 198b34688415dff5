import { expect, it } from 'vitest'
import { begin, step } from '../../src/core/caller/call.js'
import type {
  CallEffect,
  CallEvent,
  CallState,
  CallStep,
  Moment,
  Terms,
} from '../../src/core/caller/call-state.js'
import { wakeAt } from '../../src/core/caller/timing.js'
import type { SessionMessage } from '../../src/core/wire/protocol.js'

// When a call asks, and when it gives up. It is woken when it says so, and nothing else happens but what a story tells.

const EVENTS = {
  ack: from('a', { type: 'ack' }),
  'ack of b': from('b', { type: 'ack' }),
  need: from('a', { type: 'need' }),
  part: { type: 'part' },
  sent: { type: 'sent', reference: 'm' },
  cut: { type: 'disconnected' },
  connected: { type: 'connected' },
  goodbye: { type: 'presence', told: 'news', session: 'a', closed: true },
  lost: { type: 'presence', told: 'news', session: 'a', closed: false },
  /** Nothing happens before: the process is frozen. */
  thaw: { type: 'wake' },
  'b is there': { type: 'presence', told: 'news', session: 'b', closed: false },
} satisfies Record<string, CallEvent>

/** At how many milliseconds what happens, and what the environment knows from then on. */
type Happening = readonly [at: number, event: keyof typeof EVENTS, moment?: Partial<Moment>]

interface Story {
  /** What the function has left. @default 60,000 */
  readonly remainingMs?: number
  readonly terms?: Partial<Terms>
  readonly connectTimeoutMs?: number
  /** What the environment knows when the call begins. */
  readonly moment?: Partial<Moment>
  /** @default true: the connection takes what is sent at once */
  readonly leaves?: boolean
  readonly happens?: readonly Happening[]
  /** @default until it is over */
  readonly untilMs?: number
}

it.each<[what: string, Story, told: string]>([
  // Nobody answers
  ['nobody answers', {}, '0 invoke, 300 ask, 800 renew, 800 ask, 1800 ask, 2600 ask, 3000 silence for 3000'],
  [
    'nobody answers, and half of a short time is for what comes instead',
    { remainingMs: 3_000 },
    '0 invoke, 300 ask, 800 renew, 800 ask, 850 ask, 1250 silence for 1250',
  ],
  ['nobody answers, and there is next to no time', { remainingMs: 400 }, '0 invoke, 100 silence for 100'],
  [
    'the broker says that a session is there: silence may last four times as long',
    { moment: { online: true } },
    '0 invoke, 300 ask, 800 renew, 800 ask, 1800 ask, 3600 ask, 7200 ask, 11600 ask, 12000 silence for 12000',
  ],
  [
    'a session is there, and half of the time is less than that',
    { remainingMs: 10_000, moment: { online: true } },
    '0 invoke, 300 ask, 800 renew, 800 ask, 1800 ask, 3600 ask, 4350 ask, 4750 silence for 4750',
  ],
  [
    'answers have taken long of late: the first question waits twice as long',
    { moment: { latencyMs: 300 } },
    '0 invoke, 600 ask, 1600 renew, 1600 ask, 2600 ask, 3000 silence for 3000',
  ],
  [
    'answers have taken very long of late: threefold is the most',
    { moment: { latencyMs: 9_000, online: true } },
    '0 invoke, 900 ask, 2400 renew, 2400 ask, 5400 ask, 10800 ask, 11600 ask, 12000 silence for 12000',
  ],
  [
    'the session is lost: silence counts anew, since it may be restarted',
    { happens: [[2_000, 'lost']] },
    '0 invoke, 300 ask, 800 renew, 800 ask, 1800 ask, 3600 ask, 4600 ask, 5000 silence for 3000',
  ],
  [
    'a session comes meanwhile: it has missed what was asked',
    { happens: [[2_000, 'b is there', { online: true }]], untilMs: 5_000 },
    '0 invoke, 300 ask, 800 renew, 800 ask, 1800 ask, 2000 ask, 3600 ask',
  ],
  [
    'the invocation is sent again: everything begins anew',
    { happens: [[250, 'need']] },
    '0 invoke, 250 latency 250, 250 invoke, 550 ask, 1050 renew, 1050 ask, 2050 ask, 2850 ask, 3250 silence for 3000',
  ],
  [
    'a place for the event is asked for',
    { terms: { bytesToStore: 300_000 } },
    '0 presign, 300 presign, 800 renew, 800 presign, 1800 presign, 2600 presign, 3000 silence for 3000',
  ],
  // Somebody has acknowledged
  [
    'silence ends no wait any more, until the deadline',
    { remainingMs: 12_000, happens: [[100, 'ack']] },
    '0 invoke, 100 latency 100, 600 ask, 800 renew, 800 ask, 1800 ask, 4800 ask, 7800 ask, 10800 ask, 11500 deadline',
  ],
  [
    'each question is answered: local code runs',
    {
      happens: [
        [25, 'ack'],
        [530, 'ack'],
        [1_035, 'ack'],
        [1_805, 'ack'],
        [4_810, 'ack'],
        [7_805, 'ack'],
      ],
      untilMs: 12_000,
    },
    '0 invoke, 25 latency 25, 525 ask, 1030 ask, 1800 ask, 4800 ask, 7800 ask, 10800 ask',
  ],
  [
    'parts of the answer keep coming: nothing is asked',
    {
      happens: [
        [200, 'ack'],
        [600, 'part'],
        [1_500, 'part'],
        [2_400, 'part'],
        [3_300, 'part'],
      ],
      untilMs: 8_000,
    },
    '0 invoke, 200 latency 200, 4800 ask, 7800 renew, 7800 ask',
  ],
  [
    'a process is frozen for a minute while local code runs: what it missed to ask is not made up for',
    {
      remainingMs: 900_000,
      happens: [
        [100, 'ack'],
        [60_000, 'thaw'],
      ],
      untilMs: 65_000,
    },
    '0 invoke, 100 latency 100, 60000 ask, 61800 renew, 61800 ask, 64800 ask',
  ],
  // Connections
  ['no connection comes', { moment: { connected: false } }, '5000 unreachable for 5000'],
  [
    'no connection comes, and half of a short time is for what comes instead',
    { remainingMs: 3_000, moment: { connected: false } },
    '1250 unreachable for 1250',
  ],
  [
    'a connection comes: only now does the wait begin',
    { moment: { connected: false }, happens: [[4_000, 'connected', { connected: true }]] },
    '4000 invoke, 4300 ask, 4800 renew, 4800 ask, 5800 ask, 6600 ask, 7000 silence for 3000',
  ],
  [
    'the connection breaks, and no other comes',
    { connectTimeoutMs: 7_000, happens: [[1_000, 'cut', { connected: false }]] },
    '0 invoke, 300 ask, 800 renew, 800 ask, 1800 ask, 3600 ask, 7200 ask, 7600 ask, 8000 unreachable for 7000',
  ],
  [
    'the connection breaks, and another comes: silence counts anew',
    {
      happens: [
        [1_000, 'cut', { connected: false }],
        [4_000, 'connected', { connected: true }],
      ],
    },
    '0 invoke, 300 ask, 800 renew, 800 ask, 1800 ask, 3600 ask, 4000 ask, 6600 ask, 7000 silence for 3000',
  ],
  [
    'another connection takes over unbroken: it is asked on at once',
    { happens: [[1_000, 'connected']] },
    '0 invoke, 300 ask, 800 renew, 800 ask, 1000 ask, 1800 ask, 2600 ask, 3000 silence for 3000',
  ],
  [
    'the connection breaks while local code runs',
    {
      remainingMs: 12_000,
      happens: [
        [100, 'ack'],
        [1_000, 'cut', { connected: false }],
      ],
    },
    '0 invoke, 100 latency 100, 600 ask, 800 renew, 800 ask, 1800 ask, 4800 ask, 7800 ask, 10800 ask, 11500 deadline',
  ],
  [
    'a connection takes nothing',
    { remainingMs: 12_000, leaves: false },
    '0 invoke, 3000 replace, 6000 replace, 9000 replace, 11500 deadline',
  ],
  [
    'a connection takes a large message slowly',
    {
      leaves: false,
      happens: [
        [2_000, 'part', { activeAt: 2_000 }],
        [4_000, 'part', { activeAt: 4_000 }],
        [6_000, 'sent'],
      ],
      untilMs: 6_500,
    },
    '0 invoke, 6300 ask',
  ],
  // Goodbyes
  [
    'the session closes before it has acknowledged: an answer may still come',
    { happens: [[500, 'goodbye', { closed: true }]] },
    '0 invoke, 300 ask, 800 ask, 1100 renew, 1100 ask, 1500 closed',
  ],
  [
    'the session closes after it has acknowledged: an answer may still come',
    {
      happens: [
        [100, 'ack'],
        [500, 'goodbye', { closed: true }],
      ],
    },
    '0 invoke, 100 latency 100, 1000 ask, 1100 renew, 1100 ask, 1500 closed while running',
  ],
  [
    'the session closes, and parts of its answer are on their way',
    {
      happens: [
        [100, 'ack'],
        [500, 'goodbye', { closed: true }],
        [1_400, 'part'],
        [2_300, 'part'],
      ],
    },
    '0 invoke, 100 latency 100, 1000 ask, 1100 renew, 1100 ask, 3300 closed while running',
  ],
  [
    'the session closes, and its ack comes late',
    {
      happens: [
        [500, 'goodbye', { closed: true }],
        [900, 'ack'],
      ],
    },
    '0 invoke, 300 ask, 800 ask, 1500 ask, 1900 closed while running',
  ],
  [
    'the session closes, and a successor comes',
    {
      remainingMs: 6_000,
      happens: [
        [100, 'ack'],
        [500, 'goodbye', { closed: true }],
        [900, 'b is there', { online: true, closed: false }],
      ],
    },
    '0 invoke, 100 latency 100, 900 ask, 1400 ask, 1800 renew, 1800 ask, 4800 ask, 5500 deadline',
  ],
  [
    'the session closes, and a successor is heard that leaves no word with the broker',
    {
      remainingMs: 6_000,
      happens: [
        [100, 'ack'],
        [500, 'goodbye', { closed: true }],
        [900, 'ack of b'],
      ],
    },
    '0 invoke, 100 latency 100, 1400 ask, 1800 renew, 1800 ask, 4800 ask, 5500 deadline',
  ],
  [
    'the session closes while no connection is up',
    {
      happens: [
        [100, 'ack'],
        [500, 'goodbye', { closed: true }],
        [600, 'cut', { connected: false }],
      ],
    },
    '0 invoke, 100 latency 100, 1000 ask, 1100 renew, 1100 ask, 1500 closed while running',
  ],
  // Copies
  ['a copy has left: nobody waits', { terms: { mirrored: 'event' } }, '0 invoke, 0 value, 5000 dropped'],
  [
    'a copy waits for a connection',
    { terms: { mirrored: 'event' }, moment: { connected: false } },
    '5000 dropped',
  ],
  ['a copy cannot leave', { terms: { mirrored: 'event' }, leaves: false }, '0 invoke, 5000 dropped'],
])('%s', (_what, story, expected) => {
  expect(told(story)).toBe(expected)
})

/** What a call does, and when. */
function told(story: Story): string {
  const { happens = [], untilMs = Number.POSITIVE_INFINITY, leaves = true } = story
  const lines: string[] = []
  let known: Moment = { ...NOTHING_KNOWN, ...story.moment }
  let state = noted(begin(termsOf(story), known))
  const later = [...happens]
  while (state.phase !== 'over') {
    const [next] = later
    const frozen = next?.[1] === 'thaw'
    const at = Math.min(frozen ? next[0] : wakeAt(state, known), next?.[0] ?? Number.POSITIVE_INFINITY)
    if (at > untilMs) break
    known = { ...known, now: at }
    if (next?.[0] === at) {
      later.shift()
      known = { ...known, ...next[2] }
    }
    state = noted(step(state, next?.[0] === at ? EVENTS[next[1]] : { type: 'wake' }, known))
  }
  return lines.join(', ')

  function noted({ state: after, effects }: CallStep): CallState {
    for (const effect of effects) lines.push(`${known.now} ${named(effect)}`)
    const leaving = leaves && effects.some(({ type }) => type === 'invoke')
    return leaving ? noted(step(after, EVENTS.sent, known)) : after
  }
}

const NOTHING_KNOWN: Moment = {
  now: 0,
  connected: true,
  activeAt: 0,
  online: false,
  closed: false,
  latencyMs: 0,
  storeless: false,
}

function termsOf({ remainingMs = 60_000, connectTimeoutMs = 5_000, terms }: Story): Terms {
  const options = { ackTimeoutMs: 3_000, connectTimeoutMs, deadlineMarginMs: 500, onSessionLost: 'rerun' }
  const fixed = { options, input: { functionId: 'api', remainingMs }, startedAt: 0 }
  return { ...fixed, mirrored: undefined, bytesToStore: undefined, ...terms } as unknown as Terms
}

function from(session: string, message: object): CallEvent {
  return { type: 'message', message: { id: 'i', session, epoch: 1, ...message } as SessionMessage }
}

function named(effect: CallEffect): string {
  if (effect.type === 'settle') return effect.outcome.kind
  if (effect.type === 'latency') return `latency ${effect.ms}`
  if (effect.type !== 'fail') return effect.type
  const { failure } = effect
  return 'forMs' in failure ? `${failure.why} for ${failure.forMs}` : failure.why
}
