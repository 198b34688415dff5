import { cognitoEvent } from './cognito.js'
import { dynamodbEvent } from './dynamodb.js'
import { eventBridgeEvent, scheduledEvent } from './event-bridge.js'
import { kinesisEvent } from './kinesis.js'

/** Builders of AWS events for services that the local cloud does not have. Pass the events to `invoke`. */
export const events = {
  /** An event of an event bus. */
  eventBridge: eventBridgeEvent,
  /** The event of a scheduled rule. */
  schedule: scheduledEvent,
  /** An event of a table's stream. */
  dynamodb: dynamodbEvent,
  /** An event of a stream's shard. */
  kinesis: kinesisEvent,
  /** A user pool's event for a trigger. */
  cognito: cognitoEvent,
} as const
