import { randomBytes } from 'node:crypto'

/**
 * The client's part of RFC 6455 without extensions. Every byte costs a stub time at a cold start: `ws` and the HTTP
 * client that it needs are 27 KB of a bundle and took a quarter of a start's processor time. Tests compare this with
 * `ws`.
 */

/** The frame types, by the protocol's opcodes. */
export const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** A frame from the server. */
export interface WebSocketFrame {
  readonly opcode: number
  /** The last of its message. */
  readonly fin: boolean
  readonly payload: Buffer
}

const FIN = 0x80
const MASKED = 0x80
const TWO_BYTES = 126
const EIGHT_BYTES = 127
const MASK_BYTES = 4

/** Encodes a client's frame, masked as the protocol requires, as one buffer that a socket sends in one write. */
export function encodeWebSocketFrame(opcode: number, fin: boolean, payload: Uint8Array): Buffer {
  const { length } = payload
  const lengthBytes = length < TWO_BYTES ? 0 : length <= 0xffff ? 2 : 8
  const bodyStart = 2 + lengthBytes + MASK_BYTES
  const frame = Buffer.allocUnsafe(bodyStart + length)
  frame[0] = (fin ? FIN : 0) | opcode
  frame[1] = MASKED | (lengthBytes === 0 ? length : lengthBytes === 2 ? TWO_BYTES : EIGHT_BYTES)
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2)
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2)
  const mask = randomBytes(MASK_BYTES)
  mask.copy(frame, 2 + lengthBytes)
  for (let index = 0; index < length; index++) frame[bodyStart + index] = payload[index]! ^ mask[index & 3]!
  return frame
}

/**
 * Returns the length of the server's frame that begins here, or a lower bound larger than the buffer while it is
 * incomplete.
 * @throws Error if its payload exceeds `maxBytes`
 */
export function frameLength(start: Buffer, maxBytes: number): number {
  const { bodyStart, bodyBytes } = readLength(start)
  if (bodyBytes > maxBytes)
    throw new Error(`it sent a WebSocket frame of ${bodyBytes} bytes, which exceeds ${maxBytes}`)
  return bodyStart + bodyBytes
}

/** Decodes a complete frame. @throws Error for a frame that a server may not send */
export function decodeFrame(frame: Buffer): WebSocketFrame {
  const first = frame[0]!
  const opcode = first & 0x0f
  const fin = (first & FIN) !== 0
  const { bodyStart, bodyBytes } = readLength(frame)
  const control = opcode >= OPCODES.close
  const known = (Object.values(OPCODES) as number[]).includes(opcode)
  // 0x70 are the bits for extensions, and the client requested none.
  if (!known || (first & 0x70) !== 0 || (frame[1]! & MASKED) !== 0 || (control && (!fin || bodyBytes > 125)))
    throw new Error(`it sent what is no WebSocket frame (first bytes 0x${frame.toString('hex', 0, 2)})`)
  return { opcode, fin, payload: frame.subarray(bodyStart) }
}

// While the length field is incomplete, returns the header up to its end and no body.
function readLength(start: Buffer): { bodyStart: number; bodyBytes: number } {
  const short = (start[1] ?? 0) & 0x7f
  if (start.length < 2) return { bodyStart: 2, bodyBytes: 0 }
  if (short < TWO_BYTES) return { bodyStart: 2, bodyBytes: short }
  const bodyStart = short === TWO_BYTES ? 4 : 10
  if (start.length < bodyStart) return { bodyStart, bodyBytes: 0 }
  const bodyBytes = short === TWO_BYTES ? start.readUInt16BE(2) : Number(start.readBigUInt64BE(2))
  return { bodyStart, bodyBytes }
}
