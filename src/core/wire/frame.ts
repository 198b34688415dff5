import { TetherError } from '../base/errors.js'
import type { Endpoint } from '../contracts/transport.js'

/** The only frame version that this package speaks. */
export const FRAME_VERSION = 2

/** The length of the header that every version shares: version, kind, sender, numbers. */
export const HEAD_BYTES = 50
// Offsets of its fields.
const SENDER = 2
const MESSAGE_NUMBER = 30
const INDEX = 38
const COUNT = 42
const TOTAL_BYTES = 46
/** AES-GCM's authentication tag, after the ciphertext. */
export const TAG_BYTES = 16
/** The size of a frame around an empty part. */
export const FRAME_OVERHEAD = HEAD_BYTES + TAG_BYTES
/** The longest joined message: a body of 8 MiB, with its environment and context. */
const MAX_MESSAGE_BYTES = 9 * 1024 * 1024
/** Every part but the last is at least this long, so that the length of a message limits the number of its parts. */
const MIN_PART_BYTES = 512
/** Key id and function tag, as base64url. */
const SCOPE_LETTERS = 16

/**
 * The header before a frame's ciphertext: in the clear, but authenticated. Big-endian: version 1, kind 1, key id 4,
 * function tag 8, sender id 16, message number 8, index 4, count 4, total bytes 4.
 */
export interface FrameHeader {
  /** The direction of the frame, by its sender; `refused` is unsealed and proves nothing. */
  readonly kind: 'session' | 'stub' | 'refused'
  /**
   * Key id, function tag and sender id, as base64url: 38 letters. A stub's sender identifies its execution environment.
   */
  readonly sender: string
  /** Unique for each sender; the nonce is this and `index`. */
  readonly messageNumber: number
  readonly index: number
  readonly count: number
  /** The length of the joined message. */
  readonly totalBytes: number
}

/** A received frame with its parsed header. */
export interface ReceivedFrame {
  readonly header: FrameHeader
  readonly bytes: Buffer
}

const KINDS = ['session', 'stub', 'refused'] as const

/** The key id and the function tag of a sender: they select the key from which its own is derived. */
export function scopeOf(sender: string): string {
  return sender.slice(0, SCOPE_LETTERS)
}

/** The sender id of a sender: 22 letters, which are a stub's name. */
export function senderIdOf(sender: string): string {
  return sender.slice(SCOPE_LETTERS)
}

/** Encodes a scope as text. */
export function writeScope(keyId: string, tag: Uint8Array): string {
  return Buffer.concat([Buffer.from(keyId, 'hex'), tag]).toString('base64url')
}

/** Decodes a scope to its key id, as 8 hex digits, and its function tag. */
export function readScope(scope: string): { keyId: string; tag: Buffer } {
  const bytes = Buffer.from(scope, 'base64url')
  return { keyId: bytes.toString('hex', 0, 4), tag: bytes.subarray(4) }
}

/** Encodes a header. */
export function encodeHeader(header: FrameHeader): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES)
  bytes[0] = FRAME_VERSION
  bytes[1] = KINDS.indexOf(header.kind)
  bytes.write(header.sender, SENDER, 'base64url')
  writeNumbers(bytes, header)
  return bytes
}

// In halves, which avoids a BigInt for each.
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
 * The associated data of all frames from one sender to one receiver: the header, followed by the receiver. The receiver
 * is not transmitted, so a re-addressed frame fails authentication. Reused, and overwritten for each frame.
 */
export class AssociatedData {
  readonly bytes: Buffer
  /** The header alone. */
  readonly head: Buffer
  /**
   * Message number and index, as in the header. Never repeats under one key: message numbers count up for each sender,
   * and every sender has a key of its own.
   */
  readonly nonce: Buffer

  constructor(head: Uint8Array, destination: Uint8Array) {
    this.bytes = Buffer.concat([head, destination])
    this.head = this.bytes.subarray(0, HEAD_BYTES)
    this.nonce = this.bytes.subarray(MESSAGE_NUMBER, COUNT)
  }

  /** Sets the numbers of the next frame to seal. */
  number(numbers: FrameNumbers): void {
    writeNumbers(this.bytes, numbers)
  }

  /** Sets the header of a received frame. */
  take({ bytes }: ReceivedFrame): void {
    bytes.copy(this.bytes, 0, 0, HEAD_BYTES)
  }
}

/**
 * Reads a header from arbitrary bytes, and checks its numbers against each other and against the frame's length.
 * @throws TetherError `PROTOCOL`, or `TOO_LARGE`; `details.version` is set when only the version is foreign
 */
export function decodeHeader(frame: Uint8Array): ReceivedFrame {
  const bytes = Buffer.isBuffer(frame) ? frame : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  if (bytes.length < HEAD_BYTES)
    throw malformed(`it has ${bytes.length} bytes, a header alone has ${HEAD_BYTES}`)
  const sender = bytes.toString('base64url', SENDER, MESSAGE_NUMBER)
  const kind = KINDS[bytes[1]!]
  // Every later version keeps this header, so that a foreign version can be answered.
  const version = bytes[0]!
  if (version !== FRAME_VERSION) {
    throw new TetherError(
      'PROTOCOL',
      `A frame of protocol version ${version} arrived; this side speaks ${FRAME_VERSION}. Install the same lambda-tether version on both sides.`,
      { details: { version, kind, sender } },
    )
  }
  if (kind === undefined) throw malformed(`its kind is ${bytes[1]}`)
  const messageNumber = bytes.readUInt32BE(MESSAGE_NUMBER) * 2 ** 32 + bytes.readUInt32BE(MESSAGE_NUMBER + 4)
  const index = bytes.readUInt32BE(INDEX)
  const count = bytes.readUInt32BE(COUNT)
  const totalBytes = bytes.readUInt32BE(TOTAL_BYTES)
  const header = { kind, sender, messageNumber, index, count, totalBytes }
  if (kind !== 'refused') checkNumbers(header, bytes.length - FRAME_OVERHEAD)
  return { header, bytes }
}

function checkNumbers({ messageNumber, index, count, totalBytes }: FrameNumbers, partBytes: number): void {
  if (totalBytes > MAX_MESSAGE_BYTES) {
    throw new TetherError(
      'TOO_LARGE',
      `A message of ${totalBytes} bytes exceeds ${MAX_MESSAGE_BYTES}; it was dropped.`,
    )
  }
  const isPart = Number.isSafeInteger(messageNumber) && index < count && partBytes >= 0
  const fits = count === 1 ? partBytes === totalBytes : partBytes <= totalBytes
  const isLast = index === count - 1
  const isSmall = (!isLast && partBytes < MIN_PART_BYTES) || totalBytes < MIN_PART_BYTES * (count - 1)
  if (!isPart || !fits || isSmall)
    throw malformed(
      `part ${index} of ${count} of message ${messageNumber} has ${partBytes} bytes, of ${totalBytes}`,
    )
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

/** The second half of {@link AssociatedData}: the receiver of the frame. */
export function encodeDestination(to: Endpoint): Buffer {
  // Without the lane: all lanes of a session are one receiver.
  return Buffer.from(JSON.stringify([to.app, to.stage, to.role, to.name]))
}

function malformed(why: string): TetherError {
  return new TetherError('PROTOCOL', `What arrived is no lambda-tether frame: ${why}.`)
}
