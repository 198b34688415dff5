import { type Advice, cutAt, quoted, type Seen } from './advice.js'
import { isKeptTopic } from './topics.js'

// The codes of MQTT 3.1.1, each followed by its counterpart in MQTT 5.
const CODES = {
  version: [1, 0x84],
  clientId: [2, 0x85],
  password: [4, 0x86],
  notAuthorized: [5, 0x87],
} as const
const coded =
  (kind: keyof typeof CODES) =>
  ({ code }: Seen) =>
    (CODES[kind] as readonly unknown[]).includes(code)
const WITHOUT_PRESENCE = "If the broker takes no retained messages, set 'presence' to false"

/** Advice for any broker. */
export const MQTT_ADVICE: Advice = [
  [
    coded('version'),
    () =>
      "Stubs speak MQTT 3.1.1, and so does a session unless 'protocolVersion' is 5: the broker has to allow that.",
  ],
  [
    coded('clientId'),
    ({ clientIds }) => `The broker has to allow client ids that begin with '${clientIds}'.`,
  ],
  [coded('password'), () => "Check 'username' and 'password'."],
  [
    coded('notAuthorized'),
    ({ will }) =>
      `Check 'username' and 'password'${will ? `, and that the broker's access list allows messages to '${will}', the topic of the last will` : ''}.`,
  ],
  [
    (seen) => cutAt('connect')(seen) && seen.protocol === 'mqtt:' && seen.silent !== true,
    () => 'If that port speaks TLS, the URL begins with mqtts://.',
  ],
  [
    (seen) => cutAt('connect')(seen) && seen.silent === true,
    ({ will, protocol }) =>
      [
        ...(will ? [`${WITHOUT_PRESENCE}.`] : []),
        ...(protocol === 'mqtt:' ? ['If that port speaks TLS, the URL begins with mqtts://.'] : []),
      ].join(' '),
  ],
  [
    ({ refusedFilter }) => refusedFilter !== undefined,
    ({ refusedFilter, role }) =>
      isKeptTopic(refusedFilter!) && role === 'session'
        ? `${WITHOUT_PRESENCE}; else its access list has to allow this topic.`
        : "The broker's access list has to allow it.",
  ],
  [
    cutAt('subscribe'),
    ({ topics }) => `It was asked for ${quoted(topics)}: its access list has to allow them.`,
  ],
  [
    cutAt('publish'),
    ({ topics }) =>
      `Its last messages went to ${quoted(topics)}. If that happens again and again, the broker's access list has to allow them, or 'frameBytes' has to be smaller.`,
  ],
]
