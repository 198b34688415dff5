import { randomUUID } from 'node:crypto'
import { checkText, listOf } from '../../core/base/option-checks.js'
import { checkOptions, mustBe, optionsOf, required } from '../../core/base/options.js'
import { completeOrigin, type EventOrigin, originChecks } from './origin.js'

/** A record of a stream: https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html */
export interface BuiltKinesisRecord {
  kinesis: {
    kinesisSchemaVersion: '1.0'
    partitionKey: string
    sequenceNumber: string
    /** Base64. */
    data: string
    /** Unix seconds, with milliseconds as the fraction. */
    approximateArrivalTimestamp: number
  }
  eventSource: 'aws:kinesis'
  eventVersion: '1.0'
  eventID: string
  eventName: 'aws:kinesis:record'
  invokeIdentityArn: string
  awsRegion: string
  eventSourceARN: string
}

/** One record of a stream. */
export interface KinesisRecordOptions {
  readonly data: string | Uint8Array
  /** @default made up */
  readonly partitionKey?: string | undefined
}

/** Records of a stream. */
export interface KinesisOptions extends EventOrigin {
  /** @default 'stream' */
  readonly streamName?: string | undefined
  readonly records: readonly KinesisRecordOptions[]
}

const SHARD = 'shardId-000000000000'

/** Builds an event of a stream's shard. @throws TetherError `INVALID_OPTION` */
export function kinesisEvent(options: KinesisOptions): { Records: BuiltKinesisRecord[] } {
  const { streamName = 'stream', records } = checkOptions('kinesis', options, {
    streamName: checkText,
    records: required(
      listOf(
        'a list of records: { data, partitionKey }',
        optionsOf<KinesisRecordOptions>({ data: required(checkData), partitionKey: checkText }),
      ),
    ),
    ...originChecks,
  })
  const { region, accountId, at } = completeOrigin(options)
  return {
    Records: records.map(({ data, partitionKey = randomUUID() }, index) => {
      // 56 digits, as in Kinesis, ascending with the records.
      const sequenceNumber = `49${String(Math.floor(at)).padStart(14, '0')}${String(index).padStart(40, '0')}`
      return {
        kinesis: {
          kinesisSchemaVersion: '1.0',
          partitionKey,
          sequenceNumber,
          data: Buffer.from(data).toString('base64'),
          approximateArrivalTimestamp: at / 1000,
        },
        eventSource: 'aws:kinesis',
        eventVersion: '1.0',
        eventID: `${SHARD}:${sequenceNumber}`,
        eventName: 'aws:kinesis:record',
        invokeIdentityArn: `arn:aws:iam::${accountId}:role/lambda-role`,
        awsRegion: region,
        eventSourceARN: `arn:aws:kinesis:${region}:${accountId}:stream/${streamName}`,
      }
    }),
  }
}

function checkData(name: string, value: unknown): void {
  mustBe('a text or bytes', typeof value === 'string' || value instanceof Uint8Array, name, value)
}
