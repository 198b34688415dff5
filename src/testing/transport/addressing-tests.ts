import { type Endpoint, MAX_ENDPOINT_PART_BYTES } from '../../core/contracts/transport.js'
import { makeFrame, type Peer } from './peer.js'
import type { TransportTest, TransportTrial } from './trial.js'

/**
 * Session names with a meaning to MQTT, NATS, IAM, URLs, file systems or JavaScript, and names that nearly equal
 * another.
 */
export const HOSTILE_NAMES: readonly string[] = [
  '+',
  '#',
  '*',
  '>',
  '$SYS',
  '%2B',
  '..',
  'a b',
  'A',
  'a',
  '\u00e9',
  'e\u0301',
  '__proto__',
]

/** Stub names that begin like an option, or nearly equal another: base64url of 16 random bytes may be any of them. */
const STUB_NAMES: readonly string[] = ['-', '_', 'A', 'a', 'a'.repeat(21), `${'a'.repeat(21)}b`, '__proto__']

const LONG = 'n'.repeat(MAX_ENDPOINT_PART_BYTES - 1)
const LONG_NAMES = [
  `${LONG}1`,
  `${LONG}2`,
  `1${LONG}`,
  `2${LONG}`,
  '漢'.repeat(Math.floor(MAX_ENDPOINT_PART_BYTES / 3)),
]

export const addressingTests: readonly TransportTest[] = [
  {
    name: 'endpoints with different apps are separate',
    run: (trial) => stayApart(trial, inBothRoles(trial, {}, { app: `${trial.app}-2` })),
  },
  {
    name: 'endpoints with different stages are separate',
    run: (trial) => stayApart(trial, inBothRoles(trial, {}, { stage: 'dev-2' })),
  },
  {
    name: 'endpoints with different roles are separate',
    run: (trial) => stayApart(trial, inBothRoles(trial, {})),
  },
  {
    name: 'endpoints with different names are separate',
    run: (trial) => stayApart(trial, inBothRoles(trial, {}, { name: 'two' })),
  },
  {
    name: 'stage and name are not joined ambiguously',
    run: (trial) =>
      stayApart(
        trial,
        ['/', '.', ''].flatMap((separator) => [
          trial.endpoint('session', { stage: `a${separator}b`, name: 'c', lane: 0 }),
          trial.endpoint('session', { stage: 'a', name: `b${separator}c`, lane: 0 }),
        ]),
      ),
  },
  {
    name: "a stub's name may be any 22 characters of base64url",
    run: (trial) =>
      stayApart(
        trial,
        STUB_NAMES.map((name) => trial.endpoint('stub', { name })),
      ),
  },
  {
    name: "a session's name may be special to a broker",
    run: (trial) =>
      stayApart(
        trial,
        HOSTILE_NAMES.map((name) => trial.endpoint('session', { name, lane: 0 })),
      ),
  },
  {
    name: 'stage and name may have the maximum length, in any script',
    run: (trial) =>
      stayApart(
        trial,
        LONG_NAMES.map((name) => trial.endpoint('session', { stage: LONG, name, lane: 0 })),
      ),
  },
]

/** A stub and a session of one name, for each of these parts. */
function inBothRoles(trial: TransportTrial, ...parts: readonly Partial<Endpoint>[]): Endpoint[] {
  return parts.flatMap((part) => {
    const stub = trial.endpoint('stub', part)
    return [stub, trial.endpoint('session', { ...part, name: stub.name, lane: 0 })]
  })
}

/** Each endpoint receives its own frames and none of the others'. */
async function stayApart(trial: TransportTrial, endpoints: readonly Endpoint[]): Promise<void> {
  const senders = await sendersTo(trial, endpoints)
  const receivers = await Promise.all(endpoints.map(({ lane: _lane, ...self }) => trial.connect(self)))
  const frame = (round: number, index: number) => makeFrame(`round ${round} for ${index}`)
  // Two rounds: misdirected frames of the first have arrived by the end of the second.
  for (const round of [1, 2]) {
    for (const [index, to] of endpoints.entries()) await senders[index]!.send(to, frame(round, index))
    for (const [index, receiver] of receivers.entries()) await receiver.receives(frame(round, index))
  }
  for (const [index, receiver] of receivers.entries()) receiver.receivedOnly(frame(1, index), frame(2, index))
}

/**
 * Connects a sender for each endpoint, with the other role and in the same app and stage: frames stay within those, and
 * stubs do not talk to stubs.
 */
async function sendersTo(trial: TransportTrial, endpoints: readonly Endpoint[]): Promise<readonly Peer[]> {
  const senders = new Map<string, Peer>()
  const found: Peer[] = []
  for (const { app, stage, role } of endpoints) {
    const other = role === 'stub' ? 'session' : 'stub'
    const key = JSON.stringify([app, stage, other])
    const sender =
      senders.get(key) ?? (await trial.connect(trial.endpoint(other, { app, stage, name: 'sender' })))
    senders.set(key, sender)
    found.push(sender)
  }
  return found
}
