import { jsonValue } from '../base/json.js'
import { asRecord } from '../contracts/http-event.js'

/** An HTTP request, independent of the service that made its event. */
export interface RequestFacts {
  readonly method: string
  /** As in the event: behind an HTTP API it includes the API's stage, unless that is `$default`. */
  readonly path: string
  /** All values by lower-case name. Cookies are under `cookie`, each as `name=value`. */
  readonly header: Readonly<Record<string, readonly string[]>>
}

/** The parts of an invocation that cards examine. */
export interface Invoked {
  readonly functionId: string
  /** Parsed. */
  readonly event: unknown
  readonly clientContext: unknown
}

/** A text carried by name beside a payload: its name, and the text. */
export type Carried = readonly [name: string, text: string]

/**
 * Reads the request of an HTTP-shaped event: of a REST API or an HTTP API in format 1, an HTTP API in format 2, a
 * function URL, or a load balancer, with single values or lists. Undefined for any other event.
 */
export function httpRequest(event: unknown): RequestFacts | undefined {
  const { requestContext, httpMethod, path, rawPath, headers, multiValueHeaders, cookies } = asRecord(event)
  const { http } = asRecord(requestContext)
  const method = asRecord(http).method ?? httpMethod
  const target = rawPath ?? path
  if (requestContext === undefined || typeof method !== 'string' || typeof target !== 'string')
    return undefined
  const header: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  // If there are lists, the single values only repeat their last entries.
  const lists = isFilled(multiValueHeaders) ? multiValueHeaders : headers
  for (const [name, value] of Object.entries(asRecord(lists))) add(header, name.toLowerCase(), value)
  // One header holds all of a client's cookies; format 2 has split it.
  const sent = [header.cookie ?? [], cookies ?? []].flat().filter(isText)
  if (sent.length > 0) header.cookie = sent.flatMap((one) => one.split(/; */)).filter((one) => one !== '')
  return { method, path: target, header }
}

/** The records of a batch from SQS, SNS, S3, Kinesis or DynamoDB. Undefined for any other event. */
export function recordsOf(event: unknown): readonly unknown[] | undefined {
  const { Records } = asRecord(event)
  return Array.isArray(Records) ? Records : undefined
}

/**
 * The texts that a record of SQS or SNS carries beside its payload. If SNS has put a message into a queue, its
 * attributes are in the body, unless the subscription delivers raw messages.
 */
export function attributesOf(record: unknown): Carried[] {
  const { messageAttributes, Sns, body } = asRecord(record)
  const enveloped =
    typeof body === 'string' && body.includes('"MessageAttributes"') ? jsonValue(body) : undefined
  return [
    ...named(messageAttributes, 'stringValue'),
    ...named(asRecord(Sns).MessageAttributes, 'Value'),
    ...named(asRecord(enveloped).MessageAttributes, 'Value'),
  ]
}

/** The texts in the client context of an `Invoke` call. */
export function clientContextOf(clientContext: unknown): Carried[] {
  const { custom, Custom } = asRecord(clientContext)
  return Object.entries({ ...asRecord(Custom), ...asRecord(custom) }).flatMap(([name, value]) =>
    isText(value) ? [[name, value] as const] : [],
  )
}

function named(attributes: unknown, field: string): Carried[] {
  return Object.entries(asRecord(attributes)).flatMap(([name, attribute]) => {
    const value = asRecord(attribute)[field]
    return isText(value) ? [[name, value] as const] : []
  })
}

function add(header: Record<string, string[]>, name: string, value: unknown): void {
  const values = [value].flat().filter(isText)
  if (values.length > 0) header[name] = [...(header[name] ?? []), ...values]
}

function isFilled(lists: unknown): boolean {
  return Object.keys(asRecord(lists)).length > 0
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
