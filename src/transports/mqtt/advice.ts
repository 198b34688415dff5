import { TetherError } from '../../core/base/errors.js'
import type { ConnectPhase } from '../socket/connect-phase.js'
import { isKeptTopic } from './topics.js'

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

// The codes of MQTT 3.1.1 and, beside them, those of MQTT 5.
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
// A code says why; where there is none, it has to be concluded from how far the connection came.
const cutAt =
  (phase: ConnectPhase) =>
  ({ during, code, refusedFilter, topics = [] }: Seen) =>
    during === phase &&
    typeof code !== 'number' &&
    refusedFilter === undefined &&
    !(phase === 'publish' && topics.length === 0)

const quoted = (texts: readonly string[] = []) => texts.map((text) => `'${text}'`).join(' and ')
const WITHOUT_PRESENCE = "If the broker takes no retained messages, set 'presence' to false"

/** For any broker. */
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

const MINUTES = 'A policy takes a few minutes to hold.'
const policy = ({ role }: Seen) => `iotPolicy({ …, role: '${role}' })`

/** For AWS IoT Core, which ends a connection for whatever a policy does not allow, and never says why. */
export const IOT_ADVICE: Advice = [
  [
    ({ code }) => code === 'ENOTFOUND',
    () =>
      "The endpoint's name does not resolve: check it, and in an AWS account that has never used IoT wait ten minutes.",
  ],
  [
    ({ statusCode }) => statusCode === 403,
    () =>
      'AWS IoT refused the signature or the identity: check the credentials, the region, and that iotPolicy() is attached.',
  ],
  [
    cutAt('connect'),
    (seen) =>
      `AWS IoT does so where iot:Connect on client/${seen.clientIds}* is not allowed` +
      (seen.will ? `, or iot:Publish and iot:RetainPublish on topic/${seen.will}` : '') +
      `: attach ${policy(seen)}. ${MINUTES}`,
  ],
  [
    cutAt('subscribe'),
    (seen) =>
      `AWS IoT does so where iot:Subscribe is not allowed. It was asked for ${quoted(seen.topics)}: ${policy(seen)} allows them. ${MINUTES}`,
  ],
  [
    cutAt('publish'),
    (seen) =>
      `Its last messages went to ${quoted(seen.topics)}. If that happens again and again, iot:Publish${
        seen.topics?.some(isKeptTopic) ? ' or iot:RetainPublish' : ''
      } is not allowed there: attach ${policy(seen)}. ${MINUTES}`,
  ],
]

/** The error with what to do about it, if its details tell. */
export function advised(error: TetherError, advice: Advice): TetherError {
  const { code, message, cause, details } = error
  if (code !== 'UNREACHABLE') return error
  const row = advice.find(([fits]) => fits(details as Seen))
  const words = row?.[1](details as Seen)
  return words ? new TetherError(code, `${message} ${words}`, { cause, details }) : error
}
