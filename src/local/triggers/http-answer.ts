/** The status and headers of an HTTP response. */
export interface HttpHead {
  readonly status: number
  /** Names in lower case; a list is one header line per entry. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
}

/** A complete HTTP response. */
export interface HttpAnswer extends HttpHead {
  readonly body: Buffer
}

// Node sets these itself; a function's values would not match its connection.
const HOP_BY_HOP = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade'])

/** Makes an error of API Gateway's own. */
export function gatewayError(status: number, message: string): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ message })),
  }
}

/**
 * Parses a function's response by the rules of payload format 2.0: without a `statusCode`, the whole response is the
 * body of a 200.
 * @param contentType default for a response without one
 * @returns undefined if it is malformed
 */
export function httpAnswer(payload: Uint8Array, contentType: string): HttpAnswer | undefined {
  const text = Buffer.from(payload).toString('utf8')
  let response: unknown
  try {
    response = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(response) || response.statusCode === undefined) {
    const body = typeof response === 'string' ? response : text
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) }
  }
  const { body = '', isBase64Encoded = false } = response
  const head = httpHead(response, contentType)
  const wellFormed = (body === null || typeof body === 'string') && typeof isBase64Encoded === 'boolean'
  return wellFormed && head !== undefined
    ? { ...head, body: Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8') }
    : undefined
}

/**
 * Reads the status, headers and cookies of a response.
 * @param contentType default for a response without one
 * @returns undefined if they are malformed
 */
export function httpHead(
  response: Readonly<Record<string, unknown>>,
  contentType: string,
): HttpHead | undefined {
  const { statusCode = 200, cookies = [] } = response
  const status = Number(statusCode)
  const headers = readHeaders(response.headers)
  const wellFormed = Number.isInteger(status) && status >= 100 && status <= 599
  if (!wellFormed || headers === undefined || !Array.isArray(cookies)) return undefined
  return {
    status,
    headers: {
      'content-type': contentType,
      ...headers,
      ...(cookies.length === 0 ? {} : { 'set-cookie': cookies.map(String) }),
    },
  }
}

/** Whether responses with that status have no body. */
export function isBodiless(status: number): boolean {
  return status < 200 || status === 204 || status === 304
}

function readHeaders(value: unknown): Record<string, string> | undefined {
  if (value === undefined || value === null) return {}
  if (!isRecord(value)) return undefined
  const headers: Record<string, string> = {}
  for (const [name, content] of Object.entries(value)) {
    if (content === null || typeof content === 'object') return undefined
    if (!HOP_BY_HOP.has(name.toLowerCase())) headers[name.toLowerCase()] = String(content)
  }
  return headers
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
