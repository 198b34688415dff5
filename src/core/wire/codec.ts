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

interface Section {
  readonly encoding: number
  readonly bytes: Uint8Array
}

const NOTHING = Buffer.alloc(0)

/**
 * A message as bytes: the number of sections, then for each its encoding (0 as it is, 1 brotli, 255 absent) and its
 * length, then the sections. The first is the message's JSON without its binary fields; each binary field has
 * a section of its own, so that credentials and event are never compressed together.
 */
export function encodeMessage(message: Outbound, counters?: Counters): Buffer {
  const fields: Record<string, unknown> = { ...message }
  const binary = SECTIONS[message.type].map((name): Section => {
    const content = fields[name] as Uint8Array | PackedBody | undefined
    fields[name] = undefined
    if (content === undefined) return { encoding: ABSENT, bytes: NOTHING }
    const packed =
      content instanceof Uint8Array
        ? { encoding: IDENTITY, bytes: content, bodyBytes: content.length }
        : content
    if (packed.bodyBytes > MAX_BODY_BYTES) {
      throw new TetherError(
        'TOO_LARGE',
        `The ${name} has ${packed.bodyBytes} bytes; at most ${MAX_BODY_BYTES} travel.`,
      )
    }
    if (counters !== undefined && BODIES.includes(name)) {
      counters.bodyBytesSent += packed.bodyBytes
      counters.compressedBytesSent += packed.bytes.length
    }
    return packed
  })
  const sections = [{ encoding: IDENTITY, bytes: Buffer.from(JSON.stringify(fields)) }, ...binary]
  const table = Buffer.alloc(1 + 5 * sections.length)
  table[0] = sections.length
  sections.forEach(({ encoding, bytes }, i) => {
    table[1 + 5 * i] = encoding
    table.writeUInt32BE(bytes.length, 2 + 5 * i)
  })
  return Buffer.concat([table, ...sections.map(({ bytes }) => bytes)])
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
  SECTIONS[head.type as Message['type']].forEach((name, i) => {
    const section = sections[i]
    if (section === undefined) return
    head[name] = section
    if (counters === undefined || !BODIES.includes(name)) return
    counters.bodyBytesReceived += section.length
    counters.compressedBytesReceived += sectionLength(bytes, i + 1)
  })
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
    const { id } = readSections(part, { headOnly: true }).head
    return isInvocationId(id) ? id : undefined
  } catch {
    return undefined
  }
}

function readSections(
  bytes: Buffer,
  { headOnly = false } = {},
): { head: Record<string, unknown>; sections: (Buffer | undefined)[] } {
  const count = bytes[0] ?? 0
  let offset = 1 + 5 * count
  if (count === 0 || bytes.length < offset) throw malformed('its section table is cut off')
  const sections: (Buffer | undefined)[] = []
  for (let i = 0; i < (headOnly ? 1 : count); i++) {
    const encoding = bytes[1 + 5 * i]
    const length = sectionLength(bytes, i)
    if (offset + length > bytes.length) throw malformed(`a section of ${length} bytes is cut off`)
    sections.push(readSection(encoding, bytes.subarray(offset, offset + length)))
    offset += length
  }
  const head = parseObject(sections.shift())
  return { head, sections }
}

function sectionLength(bytes: Buffer, index: number): number {
  return bytes.readUInt32BE(2 + 5 * index)
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
