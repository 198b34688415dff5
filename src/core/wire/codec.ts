import { TetherError } from '../base/errors.js'
import { BROTLI, decompress, IDENTITY, type PackedBody } from './compress.js'
import type { Counters } from './counters.js'
import { checkMessage, isInvocationId, malformed } from './message-shapes.js'
import type { Message, MessageFrom, Outbound } from './protocol.js'

/** The binary fields of each message, in the order of their sections. */
const SECTIONS: Record<Message['type'], readonly string[]> = {
  invoke: ['event', 'env'],
  ask: [],
  presign: [],
  cancel: [],
  ack: [],
  result: ['body'],
  error: [],
  url: [],
  need: [],
  challenge: [],
  missing: [],
  unknown: [],
  decline: [],
  claim: [],
  displaced: [],
  presence: [],
}

/** The bodies. The variables are none, and are never packed: they travel once, and a secret has no place beside a guess. */
const BODIES: readonly string[] = ['event', 'body']
const ABSENT = 255
/** What a compressed body may become: a 6 MB payload and to spare. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

/** An entry of the table: a section's encoding, and its length in four bytes. */
const ENTRY_BYTES = 5

/**
 * A message as bytes: the number of sections, then for each its encoding (0 as it is, 1 brotli, 255 absent) and its
 * length, then the sections. The first is the message's JSON without its binary fields; each binary field has
 * a section of its own, so that credentials and event are never compressed together.
 */
export function encodeMessage(message: Outbound, counters?: Counters): Buffer {
  const names = SECTIONS[message.type]
  const fields: Record<string, unknown> = { ...message }
  const contents: (Uint8Array | PackedBody | undefined)[] = []
  let length = 1 + ENTRY_BYTES * (1 + names.length)
  for (const name of names) {
    const content = fields[name] as Uint8Array | PackedBody | undefined
    contents.push(content)
    if (content === undefined) continue
    fields[name] = undefined
    length += measured(name, content, counters)
  }
  const head = JSON.stringify(fields)
  const headBytes = Buffer.byteLength(head)
  const bytes = Buffer.allocUnsafe(length + headBytes)
  bytes[0] = 1 + names.length
  let at = 1 + ENTRY_BYTES * (1 + names.length)
  writeEntry(bytes, 0, IDENTITY, headBytes)
  at += bytes.write(head, at)
  for (let i = 0; i < contents.length; i++) {
    const content = contents[i]
    if (content === undefined) {
      writeEntry(bytes, i + 1, ABSENT, 0)
      continue
    }
    const section = bytesOf(content)
    writeEntry(bytes, i + 1, content instanceof Uint8Array ? IDENTITY : content.encoding, section.length)
    bytes.set(section, at)
    at += section.length
  }
  return bytes
}

/** The length of a binary field's section, counted where it is a body. @throws TetherError `TOO_LARGE` */
function measured(name: string, content: Uint8Array | PackedBody, counters: Counters | undefined): number {
  const bodyBytes = content instanceof Uint8Array ? content.length : content.bodyBytes
  if (bodyBytes > MAX_BODY_BYTES) {
    throw new TetherError(
      'TOO_LARGE',
      `The ${name} has ${bodyBytes} bytes; at most ${MAX_BODY_BYTES} travel.`,
    )
  }
  const { length } = bytesOf(content)
  if (counters !== undefined && BODIES.includes(name)) {
    counters.bodyBytesSent += bodyBytes
    counters.compressedBytesSent += length
  }
  return length
}

function bytesOf(content: Uint8Array | PackedBody): Uint8Array {
  return content instanceof Uint8Array ? content : content.bytes
}

function writeEntry(bytes: Buffer, section: number, encoding: number, length: number): void {
  const at = 1 + ENTRY_BYTES * section
  bytes[at] = encoding
  bytes.writeUInt32BE(length, at + 1)
}

const FROM_STUB: readonly string[] = ['invoke', 'ask', 'presign', 'cancel']
const FROM_PEER: readonly string[] = ['claim', 'displaced']

/**
 * Reads a message that `from` sent, from authenticated bytes.
 * @throws TetherError `PROTOCOL` for whatever is not one, a type unknown in this direction included
 */
export function decodeMessage<R extends keyof MessageFrom>(
  bytes: Buffer,
  from: R,
  counters?: Counters,
): MessageFrom[R] {
  const { head, sections } = readSections(bytes)
  if (typeof head.type !== 'string' || !isTypeFrom(head.type, from)) {
    throw malformed(`a ${from} sends none of type ${JSON.stringify(head.type)}`)
  }
  const names = SECTIONS[head.type as Message['type']]
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    const section = sections[i + 1]
    if (section === undefined) continue
    head[name] = section
    if (counters === undefined || !BODIES.includes(name)) continue
    counters.bodyBytesReceived += section.length
    counters.compressedBytesReceived += sectionLength(bytes, i + 1)
  }
  checkMessage(head)
  return head as unknown as MessageFrom[R]
}

function isTypeFrom(type: string, from: keyof MessageFrom): boolean {
  const sender = FROM_STUB.includes(type) ? 'stub' : FROM_PEER.includes(type) ? 'peer' : 'session'
  return Object.hasOwn(SECTIONS, type) && (sender === from || (type === 'presence' && from !== 'stub'))
}

/** The head of a message whose first part alone has arrived, or undefined where that part does not hold it all. */
export function peekInvocationId(part: Buffer): string | undefined {
  try {
    const { id } = readSections(part, 1).head
    return isInvocationId(id) ? id : undefined
  } catch {
    return undefined
  }
}

/** The first sections, at most so many, and the head, which the first of them is. */
function readSections(
  bytes: Buffer,
  max: number = Number.POSITIVE_INFINITY,
): { head: Record<string, unknown>; sections: readonly (Buffer | undefined)[] } {
  const count = bytes[0] ?? 0
  let offset = 1 + ENTRY_BYTES * count
  if (count === 0 || bytes.length < offset) throw malformed('its section table is cut off')
  const sections: (Buffer | undefined)[] = []
  for (let i = 0; i < count && i < max; i++) {
    const encoding = bytes[1 + ENTRY_BYTES * i]
    const length = sectionLength(bytes, i)
    if (offset + length > bytes.length) throw malformed(`a section of ${length} bytes is cut off`)
    sections.push(readSection(encoding, bytes.subarray(offset, offset + length)))
    offset += length
  }
  return { head: parseObject(sections[0]), sections }
}

function sectionLength(bytes: Buffer, index: number): number {
  return bytes.readUInt32BE(2 + ENTRY_BYTES * index)
}

function readSection(encoding: number | undefined, bytes: Buffer): Buffer | undefined {
  if (encoding === IDENTITY) return bytes
  if (encoding === BROTLI) return decompress(bytes, MAX_BODY_BYTES)
  if (encoding === ABSENT) return undefined
  throw malformed(`a section's encoding is ${encoding}`)
}

function parseObject(bytes: Buffer | undefined): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(bytes?.toString('utf8') ?? '')
  } catch {
    throw malformed('its head is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('its head is no object')
  return value as Record<string, unknown>
}
