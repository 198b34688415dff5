import { asRecord } from '../core/contracts/http-event.js'

/** Builds a response in the format of the event's sender. */
export function httpResponse(event: unknown, statusCode: number, body: Readonly<Record<string, unknown>>) {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  const { requestContext, multiValueHeaders } = asRecord(event)
  // An ALB that sends lists of values accepts only lists.
  const takesLists = asRecord(requestContext).elb !== undefined && multiValueHeaders !== undefined
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
  return {
    statusCode,
    ...(takesLists ? { multiValueHeaders: lists } : { headers }),
    body: JSON.stringify(body),
    isBase64Encoded: false,
  }
}
