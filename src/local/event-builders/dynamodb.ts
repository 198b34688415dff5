import { randomBytes } from 'node:crypto'
import { checkText, listOf, oneOf } from '../../core/base/option-checks.js'
import { checkOptions, fields, invalidOption, optionsOf, required } from '../../core/base/options.js'
import { type BuiltAttributeValue, itemOf } from './attribute-value.js'
import { completeOrigin, type EventOrigin, originChecks } from './origin.js'

const VIEWS = ['KEYS_ONLY', 'NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES'] as const
type View = (typeof VIEWS)[number]

/** A record of a table's stream: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html */
export interface BuiltStreamRecord {
  eventID: string
  eventName: 'INSERT' | 'MODIFY' | 'REMOVE'
  eventVersion: '1.1'
  eventSource: 'aws:dynamodb'
  awsRegion: string
  dynamodb: {
    /** Unix seconds. */
    ApproximateCreationDateTime: number
    Keys: Record<string, BuiltAttributeValue>
    NewImage?: Record<string, BuiltAttributeValue>
    OldImage?: Record<string, BuiltAttributeValue>
    SequenceNumber: string
    SizeBytes: number
    StreamViewType: View
  }
  eventSourceARN: string
}

/**
 * One change of an item. Plain values are converted: a number to `N`, an array to `L`, an object to `M`, a `Set` to
 * `SS`, `NS` or `BS`.
 */
export interface ItemChange {
  /** The item's key. */
  readonly keys: Readonly<Record<string, unknown>>
  /** The item after the change; omit for a removed item. */
  readonly newImage?: Readonly<Record<string, unknown>> | undefined
  /** The item before the change; omit for a new item. */
  readonly oldImage?: Readonly<Record<string, unknown>> | undefined
}

/** Changes of a table. */
export interface DynamodbOptions extends EventOrigin {
  /** @default 'table' */
  readonly tableName?: string | undefined
  readonly records: readonly ItemChange[]
  /** The images that the stream carries. @default 'NEW_AND_OLD_IMAGES' */
  readonly viewType?: View | undefined
}

/** Builds an event of a table's stream. @throws TetherError `INVALID_OPTION` */
export function dynamodbEvent(options: DynamodbOptions): { Records: BuiltStreamRecord[] } {
  const {
    tableName = 'table',
    records,
    viewType = 'NEW_AND_OLD_IMAGES',
  } = checkOptions('dynamodb', options, {
    tableName: checkText,
    records: required(
      listOf(
        'a list of changes: { keys, newImage, oldImage }',
        optionsOf<ItemChange>({
          keys: required(checkItem),
          newImage: checkItem,
          oldImage: checkItem,
        }),
      ),
    ),
    viewType: oneOf(...VIEWS),
    ...originChecks,
  })
  const { region, accountId, at } = completeOrigin(options)
  const label = new Date(at).toISOString().replace(/Z$/, '')
  const arn = `arn:aws:dynamodb:${region}:${accountId}:table/${tableName}/stream/${label}`
  return {
    Records: records.map((change, index) => {
      const { keys, newImage, oldImage } = change
      if (newImage === undefined && oldImage === undefined)
        throw invalidOption(`records[${index}]`, "needs a 'newImage', an 'oldImage' or both")
      const images = {
        Keys: itemOf(`records[${index}].keys`, keys),
        ...(newImage !== undefined && /NEW/.test(viewType)
          ? { NewImage: itemOf(`records[${index}].newImage`, { ...keys, ...newImage }) }
          : {}),
        ...(oldImage !== undefined && /OLD/.test(viewType)
          ? { OldImage: itemOf(`records[${index}].oldImage`, { ...keys, ...oldImage }) }
          : {}),
      }
      return {
        eventID: randomBytes(16).toString('hex'),
        eventName: eventNameOf(change),
        eventVersion: '1.1',
        eventSource: 'aws:dynamodb',
        awsRegion: region,
        dynamodb: {
          ApproximateCreationDateTime: Math.floor(at / 1000),
          ...images,
          SequenceNumber: `${Math.floor(at)}${String(index).padStart(12, '0')}`,
          SizeBytes: Buffer.byteLength(JSON.stringify(images)),
          StreamViewType: viewType,
        },
        eventSourceARN: arn,
      }
    }),
  }
}

function eventNameOf({ newImage, oldImage }: ItemChange): BuiltStreamRecord['eventName'] {
  if (newImage === undefined) return 'REMOVE'
  return oldImage === undefined ? 'INSERT' : 'MODIFY'
}

function checkItem(name: string, value: unknown): void {
  fields('an item: an object of values by name', {})(name, value)
}
