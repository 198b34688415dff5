import { TetherError } from '../base/errors.js'
import type { Endpoint } from '../contracts/transport.js'

/** The only version of the frame this package speaks. */
export const FRAME_VERSION = 1

const FIXED_BYTES = 43
// Where its fields lie.
const KEY_ID = 2
const SENDER_ID = 6
const MESSAGE_NUMBER = 22
const INDEX = 30
const COUNT = 34
const TOTAL_BYTES = 38
const NAME_LENGTH = 42
/** AES-GCM's authentication tag, after the ciphertext. */
export const TAG_BYTES = 16
/** The longest possible frame around an empty body: header, a 100-byte name, tag. */
export const MAX_FRAME_OVERHEAD = FIXED_BYTES + 100 + TAG_BYTES

/**
 * What precedes a frame's ciphertext, in the clear and authenticated. Big-endian:
 * version 1, kind 1, key id 4, sender id 16, message number 8, index 4, count 4, total bytes 4, name length 1, name.
 */
export interface FrameHeader {
  /** Which direction the frame travels, by who sent it; `refused` is unsealed and proves nothing. */
  readonly kind: 'session' | 'stub' | 'refused'
  /** Four bytes, as hex, that tell keys apart. */
  readonly keyId: string
  /** 128 random bits, as hex, that one sender uses for at most 2³² frames. */
  readonly senderId: string
  /** Unique within a sender; the nonce is this and `index`. */
  readonly messageNumber: number
  readonly index: number
  readonly count: number
  /** The length of the joined message. */
  readonly totalBytes: number
  /** The sender's endpoint name. */
  readonly from: string
}

/** A frame that arrived: its header, read, and where its ciphertext begins. */
export interface ReceivedFrame {
  readonly header: FrameHeader
  readonly bytes: Buffer
  readonly headBytes: number
}

const KINDS = ['session', 'stub', 'refused'] as const

/** Writes a header. */
export function encodeHeader(header: FrameHeader): Buffer {
  const name = Buffer.from(header.from)
  const bytes = Buffer.allocUnsafe(FIXED_BYTES + name.length)
  bytes[0] = FRAME_VERSION
  bytes[1] = KINDS.indexOf(header.kind)
  bytes.write(header.keyId, KEY_ID, 4, 'hex')
  bytes.write(header.senderId, SENDER_ID, 16, 'hex')
  writeNumbers(bytes, header)
  bytes[NAME_LENGTH] = name.length
  name.copy(bytes, FIXED_BYTES)
  return bytes
}

// In halves: a BigInt would be made for each.
function writeNumbers(bytes: Buffer, { messageNumber, index, count, totalBytes }: FrameNumbers): void {
  bytes.writeUInt32BE(Math.floor(messageNumber / 2 ** 32), MESSAGE_NUMBER)
  bytes.writeUInt32BE(messageNumber % 2 ** 32, MESSAGE_NUMBER + 4)
  bytes.writeUInt32BE(index, INDEX)
  bytes.writeUInt32BE(count, COUNT)
  bytes.writeUInt32BE(totalBytes, TOTAL_BYTES)
}

/** The fields that differ between two frames of one sender. */
export type FrameNumbers = Pick<FrameHeader, 'messageNumber' | 'index' | 'count' | 'totalBytes'>

/**
 * What is authenticated of the frames from one sender to one receiver: the header, and after it who the frame is for, which is
 * not transmitted, so that a re-addressed frame fails. Kept, and written anew for each frame.
 */
export class AssociatedData {
  readonly bytes: Buffer
  /** The header alone. */
  readonly head: Buffer
  /**
   * Message number and index, as the header has them. Never repeats under one key: message numbers count up within
   * a sender, and a sender's key is its own.
   */
  readonly nonce: Buffer

  constructor(head: Uint8Array, destination: Uint8Array) {
    this.bytes = Buffer.concat([head, destination])
    this.head = this.bytes.subarray(0, head.length)
    this.nonce = this.bytes.subarray(MESSAGE_NUMBER, COUNT)
  }

  /** Is of the next frame to be sealed. */
  number(numbers: FrameNumbers): void {
    writeNumbers(this.bytes, numbers)
  }

  /** Is of a frame that arrived, whose header is as long. */
  take({ bytes }: ReceivedFrame): void {
    bytes.copy(this.bytes, 0, 0, this.head.length)
  }
}

/**
 * Reads a header from arbitrary bytes.
 * @throws TetherError `PROTOCOL`; `details.version` is set when only the version is foreign
 */
export function decodeHeader(frame: Uint8Array): ReceivedFrame {
  const bytes = Buffer.isBuffer(frame) ? frame : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  if (bytes.length < FIXED_BYTES) {
    throw malformed(`it has ${bytes.length} bytes, a header alone has ${FIXED_BYTES}`)
  }
  const headBytes = FIXED_BYTES + bytes[NAME_LENGTH]!
  if (bytes.length < headBytes) throw malformed('its name is cut off')
  const from = bytes.toString('utf8', FIXED_BYTES, headBytes)
  // Every version keeps this header, so that a foreign one can be answered.
  const version = bytes[0]!
  if (version !== FRAME_VERSION) {
    throw new TetherError(
      'PROTOCOL',
      `A frame of protocol version ${version} arrived; this side speaks ${FRAME_VERSION}. Install the same lambda-tether version on both sides.`,
      { details: { version, from } },
    )
  }
  const kind = KINDS[bytes[1]!]
  if (kind === undefined) throw malformed(`its kind is ${bytes[1]}`)
  const messageNumber = bytes.readUInt32BE(MESSAGE_NUMBER) * 2 ** 32 + bytes.readUInt32BE(MESSAGE_NUMBER + 4)
  const index = bytes.readUInt32BE(INDEX)
  const count = bytes.readUInt32BE(COUNT)
  if (!Number.isSafeInteger(messageNumber)) throw malformed('its message number is out of range')
  if (index >= count) throw malformed(`it says it is part ${index} of ${count}`)
  const header = {
    kind,
    keyId: bytes.toString('hex', KEY_ID, SENDER_ID),
    senderId: bytes.toString('hex', SENDER_ID, MESSAGE_NUMBER),
    messageNumber,
    index,
    count,
    totalBytes: bytes.readUInt32BE(TOTAL_BYTES),
    from,
  }
  return { header, bytes, headBytes }
}

/** Splits a message into parts of at most `partBytes`, always at least one. */
export function splitMessage(message: Uint8Array, partBytes: number): Uint8Array[] {
  if (message.length <= partBytes) return [message]
  const parts: Uint8Array[] = []
  for (let offset = 0; offset < message.length; offset += partBytes) {
    parts.push(message.subarray(offset, offset + partBytes))
  }
  return parts
}

/** The second half of {@link AssociatedData}: who the frame is for. */
export function encodeDestination(to: Endpoint): Buffer {
  // Without the lane: every lane of a session is the same receiver.
  return Buffer.from(JSON.stringify([to.app, to.stage, to.role, to.name]))
}

function malformed(why: string): TetherError {
  return new TetherError('PROTOCOL', `What arrived is no lambda-tether frame: ${why}.`)
}
