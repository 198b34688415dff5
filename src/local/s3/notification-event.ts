import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../../core/base/clock.js'

/** The events that S3 reports, by their names without `s3:`. */
export type S3EventName = 'ObjectCreated:Put' | 'ObjectRemoved:Delete'

/** A change of an object. */
export interface ObjectChange {
  readonly eventName: S3EventName
  readonly key: string
  /** Present for a created object. */
  readonly object?: { readonly bytes: number; readonly etag: string }
}

/** The bucket of a change. */
export interface ChangedBucket {
  readonly name: string
  readonly arn: string
  readonly region: string
  readonly configurationId: string
  readonly sequencer: string
  readonly now: number
}

/** Builds the event: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
export function s3Event({ eventName, key, object }: ObjectChange, bucket: ChangedBucket): object {
  const { name, arn, region, configurationId, sequencer, now } = bucket
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: region,
        eventTime: new Date(now).toISOString(),
        eventName,
        userIdentity: { principalId: `AWS:${OWNER}` },
        requestParameters: { sourceIPAddress: '127.0.0.1' },
        responseElements: responseElements(),
        s3: {
          s3SchemaVersion: '1.0',
          configurationId,
          bucket: { name, ownerIdentity: { principalId: OWNER }, arn },
          object: {
            key: formEncode(key),
            // The ETag without the header's quotes.
            ...(object === undefined ? {} : { size: object.bytes, eTag: object.etag.replaceAll('"', '') }),
            sequencer,
          },
        },
      },
    ],
  }
}

/** Builds the test message that S3 sends to a queue or a topic when notifications are set up. */
export function s3TestEvent(bucket: string, now: number): object {
  const elements = responseElements()
  return {
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: new Date(now).toISOString(),
    Bucket: bucket,
    RequestId: elements['x-amz-request-id'],
    HostId: elements['x-amz-id-2'],
  }
}

/** Makes sequencers of at least sixteen hexadecimal digits, each greater than the one before. */
export function sequencers(clock: Clock): () => string {
  let last = 0
  return () => {
    // In microseconds, so that several fit within a millisecond.
    last = Math.max(last + 1, clock.now() * 1000)
    return last.toString(16).toUpperCase().padStart(16, '0')
  }
}

const OWNER = `A${createHash('sha256').update('lambda-tether').digest('hex').slice(0, 13).toUpperCase()}`

function responseElements() {
  return {
    'x-amz-request-id': randomBytes(8).toString('hex').toUpperCase(),
    'x-amz-id-2': randomBytes(48).toString('base64'),
  }
}

/** Form-encodes a key except its slashes: spaces become `+`; letters, digits, `.`, `-`, `*` and `_` stay. */
function formEncode(key: string): string {
  return new URLSearchParams({ key }).toString().slice('key='.length).replaceAll('%2F', '/')
}
