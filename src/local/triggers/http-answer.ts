/** An HTTP response, ready to be written. */
export interface HttpAnswer {
  readonly status: number
  /** Names in lower case; a list is one header line per entry. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer
}

// Node's own to set; what a function says of them holds for its connection to nobody.
const HOP_BY_HOP = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade'])

/** An error of API Gateway's own. */
export function gatewayError(status: number, message: string): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ message })),
  }
}

/**
 * Reads a function's response by the rules of payload format 2.0: without a `statusCode` the whole response is the
 * body of a 200; malformed, it is a 500.
 */
export function httpAnswer(payload: Uint8Array): HttpAnswer {
  const text = Buffer.from(payload).toString('utf8')
  let response: unknown
  try {
    response = JSON.parse(text)
  } catch {
    return malformed()
  }
  if (!isRecord(response) || response.statusCode === undefined) {
    const body = typeof response === 'string' ? response : text
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(body) }
  }
  const status = Number(response.statusCode)
  const { body = '', isBase64Encoded = false } = response
  const headers = readHeaders(response.headers)
  const cookies = response.cookies ?? []
  const wellFormed =
    Number.isInteger(status) &&
    status >= 100 &&
    status <= 599 &&
    (body === null || typeof body === 'string') &&
    typeof isBase64Encoded === 'boolean' &&
    headers !== undefined &&
    Array.isArray(cookies)
  if (!wellFormed) return malformed()
  return {
    status,
    headers: {
      'content-type': 'text/plain;charset=UTF-8',
      ...headers,
      ...(cookies.length === 0 ? {} : { 'set-cookie': cookies.map(String) }),
    },
    body: Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8'),
  }
}

function malformed(): HttpAnswer {
  return gatewayError(500, 'Internal Server Error')
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
