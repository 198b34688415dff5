import { TetherError } from '../base/errors.js'
import type { Endpoint } from '../contracts/transport.js'

/** The only version of the frame this package speaks. */
export const FRAME_VERSION = 1

const FIXED_BYTES = 43
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

const KINDS = ['session', 'stub', 'refused'] as const

/** Writes a header; `frame.subarray(header.length)` is what follows it. */
export function encodeHeader(header: FrameHeader): Buffer {
  const name = Buffer.from(header.from)
  const bytes = Buffer.allocUnsafe(FIXED_BYTES + name.length)
  bytes[0] = FRAME_VERSION
  bytes[1] = KINDS.indexOf(header.kind)
  bytes.write(header.keyId, 2, 4, 'hex')
  bytes.write(header.senderId, 6, 16, 'hex')
  bytes.writeBigUInt64BE(BigInt(header.messageNumber), 22)
  bytes.writeUInt32BE(header.index, 30)
  bytes.writeUInt32BE(header.count, 34)
  bytes.writeUInt32BE(header.totalBytes, 38)
  bytes[42] = name.length
  name.copy(bytes, FIXED_BYTES)
  return bytes
}

/**
 * Reads a header from arbitrary bytes.
 * @returns the header, its bytes (the associated data's first part) and what follows
 * @throws TetherError `PROTOCOL`; `details.version` is set when only the version is foreign
 */
export function decodeHeader(frame: Uint8Array): { header: FrameHeader; head: Buffer; rest: Buffer } {
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  if (bytes.length < FIXED_BYTES) {
    throw malformed(`it has ${bytes.length} bytes, a header alone has ${FIXED_BYTES}`)
  }
  const headBytes = FIXED_BYTES + bytes[42]!
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
  const messageNumber = Number(bytes.readBigUInt64BE(22))
  const index = bytes.readUInt32BE(30)
  const count = bytes.readUInt32BE(34)
  if (!Number.isSafeInteger(messageNumber)) throw malformed('its message number is out of range')
  if (index >= count) throw malformed(`it says it is part ${index} of ${count}`)
  return {
    header: {
      kind,
      keyId: bytes.toString('hex', 2, 6),
      senderId: bytes.toString('hex', 6, 22),
      messageNumber,
      index,
      count,
      totalBytes: bytes.readUInt32BE(38),
      from,
    },
    head: bytes.subarray(0, headBytes),
    rest: bytes.subarray(headBytes),
  }
}

/** Splits a message into parts of at most `partBytes`, always at least one. */
export function splitMessage(message: Uint8Array, partBytes: number): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let offset = 0; offset < message.length || parts.length === 0; offset += partBytes) {
    parts.push(message.subarray(offset, offset + partBytes))
  }
  return parts
}

/** The associated data's second part: who the frame is for. Not transmitted; a re-addressed frame fails. */
export function encodeDestination(to: Endpoint): Buffer {
  // Without the lane: every lane of a session is the same receiver.
  return Buffer.from(JSON.stringify([to.app, to.stage, to.role, to.name]))
}

function malformed(why: string): TetherError {
  return new TetherError('PROTOCOL', `What arrived is no lambda-tether frame: ${why}.`)
}
