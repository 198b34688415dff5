import { cognitoEvent } from './cognito.js'
import { dynamodbEvent } from './dynamodb.js'
import { eventBridgeEvent, scheduledEvent } from './event-bridge.js'
import { kinesisEvent } from './kinesis.js'

/** Builders of events as AWS sends them, of the services that the local cloud does not have. Pass them to `invoke`. */
export const events = {
  /** An event of an event bus. */
  eventBridge: eventBridgeEvent,
  /** What a rule with a schedule sends. */
  schedule: scheduledEvent,
  /** What a table's stream brings. */
  dynamodb: dynamodbEvent,
  /** What a stream's shard brings. */
  kinesis: kinesisEvent,
  /** What a user pool sends to a trigger. */
  cognito: cognitoEvent,
} as const
