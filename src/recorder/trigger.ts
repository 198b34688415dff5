import { asRecord, isHttpEvent } from '../core/contracts/http-event.js'

/** A service that sends an HTTP request to a function and waits for its response. */
export type HttpTrigger = 'apigw-http' | 'apigw-rest' | 'alb' | 'url' | 'lattice'

/**
 * The source of an invocation, judged by the shape of its event. `direct`: any other event, such as your own with
 * `Invoke`.
 */
export type Trigger =
  | HttpTrigger
  | 'websocket'
  | 'authorizer'
  | 'sqs'
  | 'sns'
  | 's3'
  | 'dynamodb'
  | 'kinesis'
  | 'firehose'
  | 'kafka'
  | 'mq'
  | 'ses'
  | 'cloudfront'
  | 'logs'
  | 'eventbridge'
  | 'schedule'
  | 'cognito'
  | 'appsync'
  | 'cloudformation'
  | 'direct'

/** By `eventSource` of the event or of its first record; SNS writes `EventSource`. */
const SOURCES: Readonly<Record<string, Trigger>> = {
  'aws:sqs': 'sqs',
  'aws:sns': 'sns',
  'aws:s3': 's3',
  'aws:dynamodb': 'dynamodb',
  'aws:kinesis': 'kinesis',
  'aws:ses': 'ses',
  'aws:kafka': 'kafka',
  SelfManagedKafka: 'kafka',
  'aws:mq': 'mq',
  'aws:rmq': 'mq',
}

type Fields = Readonly<Record<string, unknown>>

/** Events without a source, recognised by fields that only they have. The first match decides. */
const SHAPES: readonly (readonly [Trigger, (event: Fields) => boolean])[] = [
  ['authorizer', ({ type, methodArn, routeArn }) => isText(type) && (isText(methodArn) || isText(routeArn))],
  ['websocket', ({ requestContext }) => isText(asRecord(requestContext).connectionId)],
  ['cloudfront', ({ Records }) => asRecord(first(Records)).cf !== undefined],
  ['logs', ({ awslogs }) => isText(asRecord(awslogs).data)],
  ['firehose', ({ deliveryStreamArn, records }) => isText(deliveryStreamArn) && Array.isArray(records)],
  ['schedule', ({ source, ...event }) => source === 'aws.events' && event['detail-type'] === SCHEDULED],
  [
    'eventbridge',
    ({ source, detail, ...event }) => isText(source) && isText(event['detail-type']) && !!detail,
  ],
  ['cognito', ({ triggerSource, userPoolId }) => isText(triggerSource) && isText(userPoolId)],
  ['appsync', ({ info }) => isText(asRecord(info).fieldName) && isText(asRecord(info).parentTypeName)],
  ['cloudformation', ({ RequestType, ResponseURL }) => isText(RequestType) && isText(ResponseURL)],
]

const SCHEDULED = 'Scheduled Event'

/** Returns an event's trigger, judged by its shape. */
export function triggerOf(value: unknown): Trigger {
  if (isHttpEvent(value)) return httpTriggerOf(value)
  const event = asRecord(value)
  const record = asRecord(first(event.Records))
  const source = record.eventSource ?? record.EventSource ?? event.eventSource
  if (isText(source) && Object.hasOwn(SOURCES, source)) return SOURCES[source]!
  return SHAPES.find(([, fits]) => fits(event))?.[0] ?? 'direct'
}

/** Returns the service that sent an HTTP request. */
function httpTriggerOf(event: unknown): HttpTrigger {
  const { requestContext, httpMethod, version } = asRecord(event)
  const { http, elb, domainName } = asRecord(requestContext)
  if (asRecord(http).method !== undefined)
    return isText(domainName) && domainName.includes('.lambda-url.') ? 'url' : 'apigw-http'
  if (elb !== undefined) return 'alb'
  if (!isText(httpMethod)) return 'lattice'
  // An HTTP API sends `version`, even for payload format 1.0; a REST API sends the same shape without it.
  return version === '1.0' ? 'apigw-http' : 'apigw-rest'
}

function first(list: unknown): unknown {
  return Array.isArray(list) ? list[0] : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
