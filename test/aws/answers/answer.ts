import { SERVICES, type ServiceName } from './service.js'
import { xmlTree } from './xml-tree.js'

/** One answer of a service, as it came over HTTP. */
export interface Answer {
  readonly service: ServiceName
  /** As in AWS's API, such as `GetFunction`. */
  readonly operation: string
  readonly status: number
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** As text; empty where the operation answers an object's or a function's own bytes. */
  readonly body: string
}

/** An answer's body as a tree: JSON as it is, XML as {@link xmlTree} reads it; undefined where there is none. */
export function bodyOf({ service, body }: Answer): unknown {
  if (body === '') return undefined
  return SERVICES[service].format === 'json' ? JSON.parse(body) : xmlTree(body)
}

/** The error's code in the service's own words; undefined for success, and for an error without a body. */
export function errorCodeOf(answer: Answer): string | undefined {
  if (answer.status < 300) return undefined
  const header = answer.headers['x-amzn-errortype']
  if (header !== undefined) return header.split(':')[0]
  const error = errorElement(bodyOf(answer))
  return typeof error?.Code === 'string' ? error.Code : undefined
}

/** The element `Error` of an error's document, at the root (S3) or inside of `ErrorResponse` (IAM). */
export function errorElement(body: unknown): Readonly<Record<string, unknown>> | undefined {
  const { Error: error, ErrorResponse: response } = (body ?? {}) as Record<string, Record<string, unknown>>
  return (error ?? response?.Error) as Readonly<Record<string, unknown>> | undefined
}
