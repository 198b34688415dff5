/** What sends an HTTP request to a function and waits for its response. */
export type HttpTrigger = 'apigw-http' | 'apigw-rest' | 'alb' | 'url' | 'lattice'

/**
 * Which sender of HTTP requests an event is from: API Gateway (both formats), a function URL, an ALB, or VPC Lattice (both
 * formats). Undefined for any other event, those of authorizers and WebSocket APIs included.
 */
export function httpTriggerOf(event: unknown): HttpTrigger | undefined {
  const { requestContext, httpMethod, method, raw_path: latticePath, type, version } = asRecord(event)
  // An authorizer's event looks like its request, and its answer is no response.
  if (type === 'REQUEST' || type === 'TOKEN') return undefined
  const { http, elb, serviceNetworkArn, domainName } = asRecord(requestContext)
  if (asRecord(http).method !== undefined)
    return typeof domainName === 'string' && domainName.includes('.lambda-url.') ? 'url' : 'apigw-http'
  if (elb !== undefined) return 'alb'
  // An HTTP API says the version of its payload, also of 1.0, which is otherwise that of a REST API.
  if (typeof httpMethod === 'string' && requestContext !== undefined)
    return version === '1.0' ? 'apigw-http' : 'apigw-rest'
  const isLattice =
    typeof method === 'string' && (typeof latticePath === 'string' || serviceNetworkArn !== undefined)
  return isLattice ? 'lattice' : undefined
}

/** A value's properties, if it has any. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
