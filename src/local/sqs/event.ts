import { isBinary } from '../message-attributes.js'
import { md5, md5OfAttributes } from './message.js'
import type { ReceivedMessage } from './receive.js'

/** One message in a function's event: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
export interface SqsRecord {
  readonly messageId: string
  readonly receiptHandle: string
  readonly body: string
  readonly attributes: Readonly<Record<string, string>>
  readonly messageAttributes: Readonly<Record<string, object>>
  readonly md5OfBody: string
  readonly md5OfMessageAttributes?: string
  readonly eventSource: 'aws:sqs'
  readonly eventSourceARN: string
  readonly awsRegion: string
}

export function sqsRecord(message: ReceivedMessage, arn: string, region: string): SqsRecord {
  const { messageId, receiptHandle, body, attributes } = message
  const digest = md5OfAttributes(attributes)
  return {
    messageId,
    receiptHandle,
    body,
    attributes: systemAttributes(message),
    messageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, { type, value }]) => [
        name,
        {
          ...(isBinary(type) ? { binaryValue: value } : { stringValue: value }),
          stringListValues: [],
          binaryListValues: [],
          dataType: type,
        },
      ]),
    ),
    md5OfBody: md5(body),
    ...(digest === undefined ? {} : { md5OfMessageAttributes: digest }),
    eventSource: 'aws:sqs',
    eventSourceARN: arn,
    awsRegion: region,
  }
}

/** Returns the attributes that SQS itself adds to a message, by their API names. */
export function systemAttributes(message: ReceivedMessage): Record<string, string> {
  const { receiveCount, sentAt, senderId, firstReceivedAt, deadLetterSource, traceHeader } = message
  return {
    ApproximateReceiveCount: String(receiveCount),
    ...(traceHeader === undefined ? {} : { AWSTraceHeader: traceHeader }),
    SentTimestamp: String(sentAt),
    SenderId: senderId,
    ApproximateFirstReceiveTimestamp: String(firstReceivedAt),
    ...(deadLetterSource === undefined ? {} : { DeadLetterQueueSourceArn: deadLetterSource }),
  }
}
