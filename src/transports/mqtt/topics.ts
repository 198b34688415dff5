import { createHash, randomBytes } from 'node:crypto'
import type { Endpoint } from '../../core/contracts/transport.js'

/** The first level of every topic; policies build on it. */
export const TOPIC_ROOT = 'lambda-tether'

// Letters that mean nothing to a broker, to IAM or to MQTT's wildcards. A dot is not among them, since NATS and RabbitMQ map
// `/` to it; nor is `~`, which marks a hash.
const PLAIN_PART = /^[A-Za-z0-9_-]{1,64}$/

/**
 * One part of an endpoint as one topic level: as it is if it has 1 to 64 letters, digits, `_` or `-`, else `~`
 * and 32 hexadecimal digits of its SHA-256. So a topic has at most 219 bytes and five slashes; AWS IoT allows 256
 * and seven.
 */
export function topicPart(text: string): string {
  return PLAIN_PART.test(text) ? text : `~${sha256(text).slice(0, 32)}`
}

/** Where frames to an endpoint are published. A session's frames go to a lane: lane 0 unless it names another. */
export function topicOf(endpoint: Endpoint): string {
  const base = baseOf(endpoint, endpoint.role)
  return endpoint.role === 'session' ? `${base}/${endpoint.lane ?? 0}` : base
}

/** The one filter that receives what is sent to an endpoint: for a session without a lane, all of its lanes. */
export function filterOf(self: Endpoint): string {
  const base = baseOf(self, self.role)
  return self.role === 'session' ? `${base}/${self.lane ?? '+'}` : base
}

/** Where the frame that is kept for a session's name lies, as a retained message. */
export function keptTopicOf(session: Pick<Endpoint, 'app' | 'stage' | 'name'>): string {
  return baseOf(session, 'presence')
}

/** `Transport.describe`. */
export function describeTopic(endpoint: Endpoint, what: 'frames' | 'kept'): string {
  return what === 'kept' ? keptTopicOf(endpoint) : topicOf(endpoint)
}

/** Whether this is such a topic. */
export function isKeptTopic(topic: string): boolean {
  return topic.split('/')[3] === 'presence'
}

/** What the client ids of an application's stage and role begin with, so that a policy can name them. */
export function clientIdPrefix(endpoint: Pick<Endpoint, 'app' | 'stage' | 'role'>): string {
  return `lt-${sha256(`${endpoint.app}\0${endpoint.stage}`).slice(0, 16)}-${endpoint.role}-`
}

/** A client id for one connection. Shared ones would displace each other for ever: brokers keep the newer only. */
export function newClientId(endpoint: Pick<Endpoint, 'app' | 'stage' | 'role'>): string {
  return clientIdPrefix(endpoint) + randomBytes(16).toString('hex')
}

function baseOf({ app, stage, name }: Pick<Endpoint, 'app' | 'stage' | 'name'>, level: string): string {
  return `${TOPIC_ROOT}/${topicPart(app)}/${topicPart(stage)}/${level}/${topicPart(name)}`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
