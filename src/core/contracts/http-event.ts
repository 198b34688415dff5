/**
 * Whether an event is an HTTP request with a waiting client: API Gateway (both formats), a function URL, an ALB, or VPC
 * Lattice (both formats).
 */
export function isHttpEvent(event: unknown): boolean {
  const { requestContext, httpMethod, method, raw_path: latticePath, type } = asRecord(event)
  // An authorizer's event resembles its request, but its answer is not a response.
  if (type === 'REQUEST' || type === 'TOKEN') return false
  const { http, elb, serviceNetworkArn } = asRecord(requestContext)
  return (
    asRecord(http).method !== undefined ||
    elb !== undefined ||
    (typeof httpMethod === 'string' && requestContext !== undefined) ||
    (typeof method === 'string' && (typeof latticePath === 'string' || serviceNetworkArn !== undefined))
  )
}

/** A value's properties, if it has any. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
