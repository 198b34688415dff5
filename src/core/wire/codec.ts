import { TetherError } from '../base/errors.js'
import { BROTLI, decompress, IDENTITY, type PackedBody } from './compress.js'
import type { Counters } from './counters.js'
import {
  checkFieldsOf,
  checkType,
  isInvocationId,
  malformed,
  presenceShapes,
  type Shapes,
} from './message-shapes.js'
import type { Message, MessageFrom, Outbound, PresenceMessage } from './protocol.js'

/** The binary fields of each type, in the order of their sections; other types have none. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  invoke: ['event', 'env'],
  result: ['body'],
  chunk: ['data'],
}
const NONE: readonly string[] = []

/**
 * The fields that are bodies. The variables are not, and are never packed: they are sent once, and compressing a secret
 * together with guessable text would leak it.
 */
const BODIES: readonly string[] = ['event', 'body']
const ABSENT = 255
/** The head, and at most two binary fields. */
const MAX_SECTIONS = 4
/** Variables and events have sections of their own; the rest is far smaller. */
const MAX_HEAD_BYTES = 512 * 1024
/** The limit on a decompressed body: a 6 MB payload with room to spare. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

/** A table entry: a section's encoding, and its length in four bytes. */
const ENTRY_BYTES = 5

/**
 * Encodes a message: the number of sections, then for each its encoding (0 identity, 1 brotli, 255 absent) and its
 * length, then the sections. The first section is the message's JSON without its binary fields. Each binary field has a
 * section of its own, so that credentials and event are never compressed together.
 */
export function encodeMessage(message: Outbound, counters?: Counters): Buffer {
  const names = SECTIONS[message.type] ?? NONE
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

/** The length of a binary field's section; counts bodies. @throws TetherError `TOO_LARGE` */
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

/**
 * Reads a message from authenticated bytes. Checks its type before any other field.
 * @param shapes the shapes of the sender's messages
 * @throws TetherError `PROTOCOL` for anything that is not a message, including types unknown in this direction;
 * `TOO_LARGE`
 */
export function decodeMessage<From extends keyof MessageFrom>(
  bytes: Buffer,
  shapes: Shapes<From>,
  counters?: Counters,
): MessageFrom[From] {
  const [head, ...sections] = readSections(bytes)
  const fields = readHead(head)
  checkType(fields, shapes)
  const names = SECTIONS[fields.type as Message['type']] ?? NONE
  if (sections.length > names.length)
    throw malformed(
      `a message of type ${JSON.stringify(fields.type)} has ${sections.length} sections beside its head`,
    )
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    const section = sections[i]
    const content = section === undefined ? undefined : readField(name, section)
    // Set even if absent: the head must not supply the field instead.
    fields[name] = content
    if (counters === undefined || content === undefined || !BODIES.includes(name)) continue
    counters.bodyBytesReceived += content.length
    counters.compressedBytesReceived += section!.bytes.length
  }
  checkFieldsOf(fields, shapes)
  return fields as unknown as MessageFrom[From]
}

/** Encodes a presence message: its head, and a signature of the head. */
export function encodePresence(message: PresenceMessage, sign: (head: Buffer) => Uint8Array): Buffer {
  const head = Buffer.from(JSON.stringify(message))
  const signature = sign(head)
  const table = Buffer.alloc(1 + 2 * ENTRY_BYTES)
  table[0] = 2
  writeEntry(table, 0, IDENTITY, head.length)
  writeEntry(table, 1, IDENTITY, signature.length)
  return Buffer.concat([table, head, signature])
}

/**
 * Reads a presence message and requires that `verify` accepts its signature.
 * @throws TetherError `PROTOCOL`
 */
export function decodePresence(
  bytes: Buffer,
  verify: (head: Buffer, signature: Buffer) => boolean,
): PresenceMessage {
  const [head, signature, ...more] = readSections(bytes)
  const fields = readHead(head)
  if (signature?.encoding !== IDENTITY || more.length > 0) throw malformed('its presence is not signed')
  const shapes = presenceShapes()
  checkType(fields, shapes)
  checkFieldsOf(fields, shapes)
  if (!verify(head!.bytes, signature.bytes)) throw malformed('the signature of its presence is not good')
  return fields as unknown as PresenceMessage
}

/** The invocation of a message, given only its first part; undefined if the part does not tell. */
export function peekInvocationId(part: Buffer): string | undefined {
  try {
    const at = 1 + ENTRY_BYTES * checkCount(part)
    const { id } = readHead({ encoding: part[1]!, bytes: part.subarray(at, at + part.readUInt32BE(2)) })
    return isInvocationId(id) ? id : undefined
  } catch {
    return undefined
  }
}

interface Section {
  readonly encoding: number
  readonly bytes: Buffer
}

/** The sections, still encoded. */
function readSections(bytes: Buffer): Section[] {
  const count = checkCount(bytes)
  const sections: Section[] = []
  let at = 1 + ENTRY_BYTES * count
  for (let i = 0; i < count; i++) {
    const entry = 1 + ENTRY_BYTES * i
    const length = bytes.readUInt32BE(entry + 1)
    sections.push({ encoding: bytes[entry]!, bytes: bytes.subarray(at, at + length) })
    at += length
  }
  if (at !== bytes.length) throw malformed(`its sections end at ${at} of ${bytes.length} bytes`)
  return sections
}

function checkCount(bytes: Buffer): number {
  const count = bytes[0] ?? 0
  if (count < 1 || count > MAX_SECTIONS) throw malformed(`it has ${count} sections`)
  if (bytes.length < 1 + ENTRY_BYTES * count) throw malformed('its section table is cut off')
  return count
}

function readHead(head: Section | undefined): Record<string, unknown> {
  if (head?.encoding !== IDENTITY) throw malformed('its head is packed')
  if (head.bytes.length > MAX_HEAD_BYTES)
    throw malformed(`its head has ${head.bytes.length} bytes; at most ${MAX_HEAD_BYTES} are read`)
  let value: unknown
  try {
    value = JSON.parse(head.bytes.toString('utf8'))
  } catch {
    throw malformed('its head is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('its head is no object')
  return value as Record<string, unknown>
}

function readField(name: string, { encoding, bytes }: Section): Buffer | undefined {
  if (encoding === IDENTITY) return bytes
  if (encoding === ABSENT && bytes.length === 0) return undefined
  if (encoding === BROTLI && BODIES.includes(name)) return decompress(bytes, MAX_BODY_BYTES)
  throw malformed(`its section '${name}' is encoded as ${encoding}`)
}
