import { createHash, randomBytes } from 'node:crypto'
import type { Endpoint } from '../../core/contracts/transport.js'

/** The first level of every topic; policies build on it. */
export const TOPIC_ROOT = 'lambda-tether'

// Characters without a meaning to brokers, IAM or MQTT's wildcards. No dot, since NATS and RabbitMQ map `/` to it; no
// `~`, which marks a hash.
const PLAIN_PART = /^[A-Za-z0-9_-]{1,64}$/

/**
 * Encodes one part of an endpoint as one topic level: unchanged if it has 1 to 64 letters, digits, `_` or `-`, else `~`
 * and 32 hexadecimal digits of its SHA-256. So a topic has at most 219 bytes and five slashes; AWS IoT allows 256 and
 * seven.
 */
export function topicPart(text: string): string {
  return PLAIN_PART.test(text) ? text : `~${sha256(text).slice(0, 32)}`
}

/**
 * Returns the topic for frames to an endpoint. A session's frames go to a lane: lane 0 unless the endpoint names
 * another.
 */
export function topicOf(endpoint: Endpoint): string {
  const base = baseOf(endpoint, endpoint.role)
  return endpoint.role === 'session' ? `${base}/${endpoint.lane ?? 0}` : base
}

/** Returns the one filter for frames to an endpoint: for a session without a lane, it covers all lanes. */
export function filterOf(self: Endpoint): string {
  const base = baseOf(self, self.role)
  return self.role === 'session' ? `${base}/${self.lane ?? '+'}` : base
}

/** Returns the topic of the retained message with the frame kept for a session's name. */
export function keptTopicOf(session: Pick<Endpoint, 'app' | 'stage' | 'name'>): string {
  return baseOf(session, 'presence')
}

/** `Transport.describe`. */
export function describeTopic(endpoint: Endpoint, what: 'frames' | 'kept'): string {
  return what === 'kept' ? keptTopicOf(endpoint) : topicOf(endpoint)
}

/** Whether a topic holds a kept frame. */
export function isKeptTopic(topic: string): boolean {
  return topic.split('/')[3] === 'presence'
}

/** Returns the prefix of all client ids of an application's stage and role, for use in policies. */
export function clientIdPrefix(endpoint: Pick<Endpoint, 'app' | 'stage' | 'role'>): string {
  return `lt-${sha256(`${endpoint.app}\0${endpoint.stage}`).slice(0, 16)}-${endpoint.role}-`
}

/**
 * Returns a client id for one connection. Connections with the same id would displace each other for ever: brokers keep
 * only the newer.
 */
export function newClientId(endpoint: Pick<Endpoint, 'app' | 'stage' | 'role'>): string {
  return clientIdPrefix(endpoint) + randomBytes(16).toString('hex')
}

function baseOf({ app, stage, name }: Pick<Endpoint, 'app' | 'stage' | 'name'>, level: string): string {
  return `${TOPIC_ROOT}/${topicPart(app)}/${topicPart(stage)}/${level}/${topicPart(name)}`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
