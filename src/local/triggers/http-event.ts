import type { IncomingMessage } from 'node:http'

/** An API Gateway HTTP API's event, payload format 2.0. */
export interface HttpEvent {
  readonly version: '2.0'
  readonly routeKey: '$default'
  readonly rawPath: string
  readonly rawQueryString: string
  readonly cookies?: readonly string[]
  readonly headers: Readonly<Record<string, string>>
  readonly queryStringParameters?: Readonly<Record<string, string>>
  readonly requestContext: {
    readonly accountId: string
    readonly apiId: string
    readonly domainName: string
    readonly domainPrefix: string
    readonly http: {
      readonly method: string
      readonly path: string
      readonly protocol: string
      readonly sourceIp: string
      readonly userAgent: string
    }
    readonly requestId: string
    readonly routeKey: '$default'
    readonly stage: '$default'
    /** Format: `21/Nov/2026:09:05:00 +0000`. */
    readonly time: string
    readonly timeEpoch: number
  }
  readonly body?: string
  readonly isBase64Encoded: boolean
}

/** Facts of an event that are not in the request. */
export interface HttpEventFacts {
  readonly accountId: string
  readonly apiId: string
  readonly requestId: string
  /** Unix milliseconds. */
  readonly now: number
}

/** Builds the event of payload format 2.0 from a request. */
export function httpEvent(request: IncomingMessage, body: Buffer, facts: HttpEventFacts): HttpEvent {
  const target = request.url ?? '/'
  const mark = target.indexOf('?')
  const path = decodePath(mark < 0 ? target : target.slice(0, mark))
  const rawQueryString = mark < 0 ? '' : target.slice(mark + 1)
  const query = combineQuery(rawQueryString)
  const { cookie, ...headers } = combineHeaders(request.rawHeaders)
  const text = readText(body, headers['content-type'])
  const domainName = headers.host ?? 'localhost'
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString,
    // Format 2.0 moves cookies out of the headers.
    ...(cookie === undefined ? {} : { cookies: cookie.split(/;\s*/).filter((part) => part !== '') }),
    headers,
    ...(query === undefined ? {} : { queryStringParameters: query }),
    requestContext: {
      accountId: facts.accountId,
      apiId: facts.apiId,
      domainName,
      domainPrefix: domainName.split('.')[0] ?? domainName,
      http: {
        method: request.method ?? 'GET',
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: facts.requestId,
      routeKey: '$default',
      stage: '$default',
      time: logTime(facts.now),
      timeEpoch: facts.now,
    },
    ...(body.byteLength === 0 ? {} : { body: text ?? body.toString('base64') }),
    isBase64Encoded: body.byteLength > 0 && text === undefined,
  }
}

// Found by experiment on AWS: only these types are text; a body without a content type, or a form, is base64.
const TEXT_TYPE = /^(text\/.*|application\/(json|xml|javascript))$/i

function readText(body: Buffer, contentType: string | undefined): string | undefined {
  const type = contentType?.split(';')[0]?.trim() ?? ''
  if (!TEXT_TYPE.test(type)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return undefined
  }
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function combineHeaders(raw: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>()
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]?.toLowerCase() ?? ''
    const before = headers.get(name)
    const separator = name === 'cookie' ? '; ' : ','
    headers.set(
      name,
      before === undefined ? (raw[index + 1] ?? '') : `${before}${separator}${raw[index + 1]}`,
    )
  }
  return Object.fromEntries(headers)
}

function combineQuery(query: string): Record<string, string> | undefined {
  if (query === '') return undefined
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    const before = parameters.get(name)
    parameters.set(name, before === undefined ? value : `${before},${value}`)
  }
  return Object.fromEntries(parameters)
}

function logTime(now: number): string {
  const [, day, month, year, time] = new Date(now).toUTCString().split(' ')
  return `${day}/${month}/${year}:${time} +0000`
}
