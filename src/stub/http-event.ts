/**
 * Whether an event is an HTTP request whose sender waits: API Gateway (both formats), a function URL, an ALB, or VPC Lattice
 * (both formats).
 */
export function isHttpEvent(event: unknown): boolean {
  const { requestContext, httpMethod, method, raw_path: latticePath, type } = asRecord(event)
  // An authorizer's event looks like its request, and its answer is no response.
  if (type === 'REQUEST' || type === 'TOKEN') return false
  const { http, elb, serviceNetworkArn } = asRecord(requestContext)
  return (
    asRecord(http).method !== undefined ||
    elb !== undefined ||
    (typeof httpMethod === 'string' && requestContext !== undefined) ||
    (typeof method === 'string' && (typeof latticePath === 'string' || serviceNetworkArn !== undefined))
  )
}

/** A response in the shape that the sender of an event accepts. */
export function httpResponse(event: unknown, statusCode: number, body: Readonly<Record<string, unknown>>) {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  const { requestContext, multiValueHeaders } = asRecord(event)
  // An ALB that sends lists of values takes nothing else.
  const takesLists = asRecord(requestContext).elb !== undefined && multiValueHeaders !== undefined
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
  return {
    statusCode,
    ...(takesLists ? { multiValueHeaders: lists } : { headers }),
    body: JSON.stringify(body),
    isBase64Encoded: false,
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
