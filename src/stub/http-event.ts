/** Whether an event is an HTTP request whose sender waits: API Gateway (both formats), a function URL, or an ALB. */
export function isHttpEvent(event: unknown): boolean {
  const { requestContext, httpMethod, type } = asRecord(event)
  // An authorizer's event looks like its request, and its answer is no response.
  if (type === 'REQUEST' || type === 'TOKEN') return false
  const { http, elb } = asRecord(requestContext)
  return (
    asRecord(http).method !== undefined ||
    elb !== undefined ||
    (typeof httpMethod === 'string' && requestContext !== undefined)
  )
}

/** A response in the shape that all of them accept. */
export function httpResponse(statusCode: number, body: Readonly<Record<string, unknown>>) {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
    isBase64Encoded: false,
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
