import { createHash } from 'node:crypto'

/** A request for a WebSocket. */
export interface UpgradeRequest {
  readonly url: URL
  /** 16 random bytes, as base64. */
  readonly key: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** The subprotocol. */
  readonly protocol?: string | undefined
}

/** The server did not accept the upgrade. */
export class UpgradeRefused extends Error {
  /** Details for the error that reports it. */
  readonly details: { readonly statusCode: number; readonly date?: string; readonly refused?: true }

  /** @param date its `Date` header */
  constructor(
    readonly statusCode: number,
    date: string | undefined,
  ) {
    super(`the WebSocket upgrade was refused with status ${statusCode}`)
    const refused = statusCode === 401 || statusCode === 403
    this.details = { statusCode, ...(date !== undefined && { date }), ...(refused && { refused }) }
  }
}

// RFC 6455, 1.3.
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const HTTP = 'HTTP/1.1 '
const MAX_HEAD_BYTES = 16 * 1024

/** Encodes the upgrade request. */
export function upgradeRequest({ url, key, headers = {}, protocol }: UpgradeRequest): string {
  const fields = {
    Host: url.host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': key,
    ...(protocol !== undefined && { 'Sec-WebSocket-Protocol': protocol }),
    ...headers,
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/**
 * Returns the bytes after the answer's head, once the head is complete; undefined before.
 * @throws UpgradeRefused, or Error if it does not answer this request
 */
export function readUpgrade(bytes: Buffer, { key, protocol }: UpgradeRequest): Buffer | undefined {
  // Checked at once: without HTTP, the end of a head may never come.
  if (!bytes.toString('latin1', 0, HTTP.length).startsWith(HTTP.slice(0, bytes.length)))
    throw new Error('it does not speak HTTP')
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0 && bytes.length <= MAX_HEAD_BYTES) return undefined
  if (headEnd < 0) throw new Error(`it answered with a head of more than ${MAX_HEAD_BYTES} bytes`)
  const [status = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const fields = new Map(lines.map(field))
  const statusCode = Number.parseInt(status.slice(HTTP.length), 10)
  if (statusCode !== 101) throw new UpgradeRefused(statusCode, fields.get('date'))
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64')
  if (fields.get('sec-websocket-accept') !== accept) throw new Error('it answered another WebSocket upgrade')
  const agreed = fields.get('sec-websocket-protocol')
  if (protocol !== undefined && agreed !== protocol)
    throw new Error(
      `it does not speak '${protocol}' over WebSocket, but ${agreed === undefined ? 'says nothing' : `'${agreed}'`}`,
    )
  return bytes.subarray(headEnd + 4)
}

function field(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]
}
