import { asRecord, isHttpEvent } from '../../core/contracts/http-event.js'

/** Fields of an event, or of its first record, that name its source. An ARN's last part is the name. */
const SOURCES = [
  'eventSourceARN',
  'EventSubscriptionArn',
  'source',
  'triggerSource',
  'deliveryStreamArn',
  'routeKey',
  'methodArn',
] as const

/** Describes an event in a few words, unredacted: method and path of a request, else the name of the source. */
export function titleOf(event: unknown, trigger: string): string {
  return isHttpEvent(event) ? requestTitle(asRecord(event)) : (sourceTitle(asRecord(event)) ?? trigger)
}

function requestTitle(event: Readonly<Record<string, unknown>>): string {
  const { method, path } = asRecord(asRecord(event.requestContext).http)
  const verb = textOf(method) ?? textOf(event.httpMethod) ?? textOf(event.method) ?? 'GET'
  return `${verb} ${textOf(event.rawPath) ?? textOf(event.path) ?? textOf(event.raw_path) ?? textOf(path) ?? '/'}`
}

function sourceTitle(event: Readonly<Record<string, unknown>>): string | undefined {
  const [first] = Array.isArray(event.Records) ? event.Records : []
  const record = asRecord(first)
  const { bucket, object } = asRecord(record.s3)
  const bucketName = textOf(asRecord(bucket).name)
  if (bucketName !== undefined) return `${bucketName}/${textOf(asRecord(object).key) ?? ''}`
  const topic = textOf(asRecord(record.Sns).TopicArn)
  if (topic !== undefined) return lastPart(topic)
  const detailType = textOf(event['detail-type'])
  if (detailType !== undefined) return detailType
  for (const name of SOURCES) {
    const found = textOf(record[name]) ?? textOf(event[name]) ?? textOf(asRecord(event.requestContext)[name])
    if (found !== undefined) return lastPart(found)
  }
  return undefined
}

// arn:aws:dynamodb:eu-west-1:123:table/orders/stream/2026 and arn:aws:sqs:eu-west-1:123:orders
function lastPart(name: string): string {
  const resource = name.startsWith('arn:') ? name.split(':').slice(5).join(':') : name
  const [, table] = /^(?:table|stream)\/([^/]+)/.exec(resource) ?? []
  return table ?? resource
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
