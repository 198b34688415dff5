import { asRecord } from '../../core/contracts/http-event.js'

export interface NameValue {
  readonly name: string
  readonly value: string
}

/** A request, read from an event of API Gateway, a function URL, an ALB or VPC Lattice. */
export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly httpVersion: string
  readonly headers: readonly NameValue[]
  readonly cookies: readonly NameValue[]
  readonly query: readonly NameValue[]
  readonly body?: HttpBody
}

export interface HttpResponse {
  readonly status: number
  readonly headers: readonly NameValue[]
  readonly cookies: readonly NameValue[]
  readonly body?: HttpBody
}

export interface HttpBody {
  readonly text: string
  readonly isBase64: boolean
  readonly type: string
}

/** Reads the request of an HTTP-shaped event in any format. */
export function requestOf(value: unknown): HttpRequest {
  const event = asRecord(value)
  const context = asRecord(event.requestContext)
  const http = asRecord(context.http)
  const headers = listed(event.multiValueHeaders ?? event.headers)
  const cookies = list(event.cookies).concat(
    headersNamed(headers, 'cookie').flatMap((each) => each.split(/;\s*/)),
  )
  const path = text(event.rawPath) ?? text(event.path) ?? text(event.raw_path) ?? text(http.path) ?? '/'
  const query =
    text(event.rawQueryString) !== undefined
      ? [...new URLSearchParams(text(event.rawQueryString))].map(([name, value]) => ({ name, value }))
      : listed(
          event.multiValueQueryStringParameters ??
            event.queryStringParameters ??
            event.query_string_parameters,
        )
  const search = query.map(({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  const host = headersNamed(headers, 'host')[0] ?? text(context.domainName) ?? 'localhost'
  const body = bodyOf(event, headers)
  return {
    method: text(http.method) ?? text(event.httpMethod) ?? text(event.method) ?? 'GET',
    url: `https://${host}${path}${path.includes('?') || search.length === 0 ? '' : `?${search.join('&')}`}`,
    httpVersion: text(http.protocol) ?? text(context.protocol) ?? 'HTTP/1.1',
    headers,
    cookies: cookies.map(cookie),
    query,
    ...(body && { body }),
  }
}

/** Reads a response. A value without a status code is the body itself, as in payload format 2.0. */
export function answerOf(value: unknown): HttpResponse {
  const response = asRecord(value)
  const status = Number(response.statusCode)
  if (!Number.isInteger(status)) {
    const type = 'application/json'
    return {
      status: 200,
      headers: [{ name: 'content-type', value: type }],
      cookies: [],
      body: { text: JSON.stringify(value) ?? '', isBase64: false, type },
    }
  }
  const headers = [...listed(response.headers), ...listed(response.multiValueHeaders)]
  const cookies = list(response.cookies).concat(headersNamed(headers, 'set-cookie'))
  const body = bodyOf(response, headers)
  return {
    status,
    headers,
    cookies: cookies.map((each) => cookie(each.split(';')[0]!)),
    ...(body && { body }),
  }
}

function bodyOf(
  message: Readonly<Record<string, unknown>>,
  headers: readonly NameValue[],
): HttpBody | undefined {
  const body = text(message.body)
  if (body === undefined || body === '') return undefined
  const isBase64 = message.isBase64Encoded === true || message.is_base64_encoded === true
  return { text: body, isBase64, type: headersNamed(headers, 'content-type')[0] ?? '' }
}

function headersNamed(headers: readonly NameValue[], wanted: string): string[] {
  return headers.filter(({ name }) => name.toLowerCase() === wanted).map(({ value }) => value)
}

/** Lists names and values; a value may be a list. */
function listed(values: unknown): NameValue[] {
  return Object.entries(asRecord(values)).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one) => ({ name, value: String(one) })),
  )
}

function cookie(pair: string): NameValue {
  const at = pair.indexOf('=')
  return at === -1 ? { name: '', value: pair } : { name: pair.slice(0, at), value: pair.slice(at + 1) }
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
