import { randomUUID } from 'node:crypto'
import { partitionOf, serviceHost } from '../../aws/endpoints.js'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import { checkString, matching } from '../../core/base/option-checks.js'
import { checkOptions, required } from '../../core/base/options.js'
import type { LocalFunction } from '../lambda/function.js'
import { attributeBytes, checkMessageAttributes, type MessageAttributes } from '../message-attributes.js'
import { checkInvoked } from '../option-checks.js'

/** The largest message with its attributes, in bytes. */
const MAX_MESSAGE_BYTES = 262_144
/** The longest subject, in characters. */
const MAX_SUBJECT_LENGTH = 100

/** A message to publish. */
export interface TopicMessage {
  readonly message: string
  readonly subject?: string | undefined
  readonly attributes?: MessageAttributes | undefined
}

/** A topic that invokes its subscribers asynchronously, as SNS does. */
export interface LocalTopic {
  readonly name: string
  readonly arn: string
  /** Subscribes a function; repeated calls keep the same subscription. */
  subscribe(subscriber: Pick<LocalFunction, 'arn' | 'invoke'>): void
  /**
   * Invokes every subscriber with an SNS event, and does not wait for their results.
   * @throws TetherError `TOO_LARGE`, `INVALID_OPTION`
   */
  publish(message: TopicMessage): Promise<{ readonly messageId: string }>
}

/** Options of {@link createTopic}. */
export interface TopicOptions {
  /** 1 to 256 letters, digits, `-` or `_`. */
  readonly name: string
  readonly region: string
  readonly accountId: string
  readonly clock?: Clock
}

/** Makes a topic. @throws TetherError `INVALID_OPTION` */
export function createTopic(options: TopicOptions): LocalTopic {
  const { name, region, accountId, clock = systemClock } = options
  matching(/^[A-Za-z0-9_-]{1,256}$/, "1 to 256 letters, digits, '-' or '_'")('name', name)
  const arn = `arn:${partitionOf(region)}:sns:${region}:${accountId}:${name}`
  const subscribers = new Map<string, { subscriptionArn: string; invoke: LocalFunction['invoke'] }>()
  return {
    name,
    arn,
    subscribe(subscriber) {
      checkInvoked('subscriber', subscriber)
      if (subscribers.has(subscriber.arn)) return
      const subscriptionArn = `${arn}:${randomUUID()}`
      subscribers.set(subscriber.arn, { subscriptionArn, invoke: subscriber.invoke.bind(subscriber) })
    },
    async publish(message) {
      checkMessage(message)
      const messageId = randomUUID()
      const timestamp = new Date(clock.now()).toISOString()
      await Promise.all(
        [...subscribers.values()].map(({ subscriptionArn, invoke }) =>
          // SNS has accepted the message; a missing subscriber does not concern the publisher.
          invoke(snsEvent(message, { messageId, timestamp, topicArn: arn, region, subscriptionArn }), {
            type: 'Event',
          }).catch(() => {}),
        ),
      )
      return { messageId }
    },
  }
}

function checkMessage(wanted: TopicMessage): void {
  const {
    message,
    subject,
    attributes = {},
  } = checkOptions('publish', wanted, {
    message: required(checkString),
    subject: checkString,
    attributes: checkMessageAttributes,
  })
  if (message === '')
    throw new TetherError(
      'INVALID_OPTION',
      "'message' is empty, which SNS refuses: Invalid parameter: Empty message.",
    )
  if (subject !== undefined && (subject === '' || subject.length > MAX_SUBJECT_LENGTH)) {
    throw new TetherError(
      'INVALID_OPTION',
      `'subject' has ${subject.length} characters; SNS allows 1 to ${MAX_SUBJECT_LENGTH}.`,
    )
  }
  const bytes = Buffer.byteLength(message) + attributeBytes(attributes)
  if (bytes > MAX_MESSAGE_BYTES) {
    throw new TetherError(
      'TOO_LARGE',
      `'message' is too long: ${bytes} bytes with its attributes exceed ${MAX_MESSAGE_BYTES}.`,
    )
  }
}

interface Delivery {
  readonly messageId: string
  readonly timestamp: string
  readonly topicArn: string
  readonly region: string
  readonly subscriptionArn: string
}

// https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
function snsEvent(message: TopicMessage, delivery: Delivery): object {
  const { messageId, timestamp, topicArn, region, subscriptionArn } = delivery
  const service = `https://${serviceHost('sns', region)}/`
  const attributes = Object.entries(message.attributes ?? {}).map(([name, { type, value }]) => [
    name,
    { Type: type, Value: value },
  ])
  return {
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: subscriptionArn,
        Sns: {
          Type: 'Notification',
          MessageId: messageId,
          TopicArn: topicArn,
          Subject: message.subject ?? null,
          Message: message.message,
          Timestamp: timestamp,
          SignatureVersion: '1',
          Signature: 'local',
          SigningCertUrl: `${service}SimpleNotificationService.pem`,
          UnsubscribeUrl: `${service}?Action=Unsubscribe&SubscriptionArn=${subscriptionArn}`,
          MessageAttributes: Object.fromEntries(attributes),
        },
      },
    ],
  }
}
