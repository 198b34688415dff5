import { Cutter } from '../socket/cutter.js'

/**
 * The part of MQTT 3.1.1 for a client that subscribes once and publishes at QoS 0. Every byte costs a stub time at a
 * cold start: `mqtt-packet` has 40 KB and takes 4 ms to load, this has 2 KB. Tests compare it with mqtt-packet.
 */

/** A packet that a broker sends to such a client. */
export type ServerPacket =
  | { readonly type: 'connack'; readonly returnCode: number }
  | { readonly type: 'suback'; readonly packetId: number; readonly granted: readonly number[] }
  | { readonly type: 'publish'; readonly topic: string; readonly payload: Uint8Array }
  | { readonly type: 'pingresp' }

/** The fields of CONNECT. There is no will, and the session is always clean. */
export interface ConnectFields {
  readonly clientId: string
  readonly keepAliveSeconds: number
  readonly username?: string
  readonly password?: string
}

export const PINGREQ: Uint8Array = Uint8Array.of(0xc0, 0)
export const DISCONNECT: Uint8Array = Uint8Array.of(0xe0, 0)

// CONNACK, SUBACK, PINGRESP, and PUBLISH at QoS 0, without and with the retain flag.
const FIRST_BYTES: readonly number[] = [0x20, 0x90, 0xd0, 0x30, 0x31]

const CLEAN_SESSION = 0x02
const HAS_PASSWORD = 0x40
const HAS_USERNAME = 0x80

/** Encodes CONNECT, the first packet of a connection. */
export function encodeConnect({ clientId, keepAliveSeconds, username, password }: ConnectFields): Uint8Array {
  const flags =
    CLEAN_SESSION | (username === undefined ? 0 : HAS_USERNAME) | (password === undefined ? 0 : HAS_PASSWORD)
  const texts = [clientId, username, password].filter((text) => text !== undefined).map(withLength)
  // Protocol level 4 is MQTT 3.1.1.
  return packet(0x10, withLength('MQTT'), Uint8Array.of(4, flags), uint16(keepAliveSeconds), ...texts)
}

/** Encodes a SUBSCRIBE to filters at QoS 0. */
export function encodeSubscribe(packetId: number, filters: readonly string[]): Uint8Array {
  return packet(
    0x82,
    uint16(packetId),
    ...filters.flatMap((filter) => [withLength(filter), Uint8Array.of(0)]),
  )
}

/** Encodes a PUBLISH at QoS 0, as one buffer that a socket sends in one write. */
export function encodePublish(topic: string, payload: Uint8Array): Uint8Array {
  return packet(0x30, withLength(topic), payload)
}

/** Splits received chunks into packets. */
export class PacketDecoder {
  readonly #packets: Cutter

  /** @param maxPacketBytes a packet that announces more is refused before its bytes are kept */
  constructor(maxPacketBytes: number) {
    this.#packets = new Cutter((start) => packetLength(start, maxPacketBytes))
  }

  /** Yields the packets that `chunk` completes. @throws Error for bytes that a broker may not send */
  *push(chunk: Buffer): Generator<ServerPacket> {
    for (const packet of this.#packets.push(chunk))
      yield decode(packet[0]!, packet.subarray(readHeader(packet)!.bodyStart))
  }
}

function packetLength(start: Buffer, maxPacketBytes: number): number {
  // Checked at once: an HTTP server's answer would look like the start of a packet that never completes.
  if (start.length > 0 && !FIRST_BYTES.includes(start[0]!)) throw unexpected(start[0]!)
  const header = readHeader(start)
  if (header === undefined) return Math.max(2, start.length + 1)
  const length = header.bodyStart + header.bodyBytes
  if (length > maxPacketBytes)
    throw new Error(`it sent a packet of ${length} bytes, which exceeds ${maxPacketBytes}`)
  return length
}

function decode(first: number, body: Buffer): ServerPacket {
  switch (first) {
    case 0x20:
      if (body.length !== 2) break
      return { type: 'connack', returnCode: body[1]! }
    case 0x90:
      if (body.length < 3) break
      return { type: 'suback', packetId: body.readUInt16BE(0), granted: [...body.subarray(2)] }
    case 0xd0:
      if (body.length !== 0) break
      return { type: 'pingresp' }
    case 0x30:
    case 0x31: {
      if (body.length < 2) break
      const payloadStart = 2 + body.readUInt16BE(0)
      if (payloadStart > body.length) break
      return {
        type: 'publish',
        topic: body.toString('utf8', 2, payloadStart),
        payload: body.subarray(payloadStart),
      }
    }
  }
  throw unexpected(first)
}

function unexpected(first: number): Error {
  return new Error(`it sent what is no MQTT 3.1.1 for this client (first byte 0x${first.toString(16)})`)
}

/** Returns undefined while the fixed header is incomplete. */
function readHeader(bytes: Buffer): { bodyStart: number; bodyBytes: number } | undefined {
  let bodyBytes = 0
  for (let index = 1; index <= 4; index++) {
    const byte = bytes[index]
    if (byte === undefined) return undefined
    bodyBytes += (byte & 0x7f) * 2 ** (7 * (index - 1))
    if (byte < 0x80) return { bodyStart: index + 1, bodyBytes }
  }
  throw new Error('it sent a packet length of more than four bytes')
}

function packet(first: number, ...parts: Uint8Array[]): Uint8Array {
  let bodyBytes = 0
  for (const part of parts) bodyBytes += part.length
  const header = [first]
  let length = bodyBytes
  do {
    header.push((length % 128) | (length > 127 ? 0x80 : 0))
    length = Math.floor(length / 128)
  } while (length > 0)
  return Buffer.concat([Uint8Array.from(header), ...parts], header.length + bodyBytes)
}

function withLength(text: string): Uint8Array {
  const bytes = Buffer.from(text)
  return Buffer.concat([uint16(bytes.length), bytes])
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff)
}
