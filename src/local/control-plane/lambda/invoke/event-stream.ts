import { crc32 } from 'node:zlib'

/** The headers of a message; here, all values are texts. */
export type EventStreamHeaders = Readonly<Record<string, string>>

/** Total length, length of the headers, and their checksum. */
const PRELUDE_BYTES = 12
const CHECKSUM_BYTES = 4
const TEXT_TYPE = 7

/**
 * Frames one message of `application/vnd.amazon.eventstream`: both lengths and their CRC-32, headers, payload, and the
 * CRC-32 of everything before; big-endian.
 */
export function eventStreamMessage(headers: EventStreamHeaders, payload: Uint8Array): Uint8Array {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => headerBytes(name, value)))
  const length = PRELUDE_BYTES + head.byteLength + payload.byteLength + CHECKSUM_BYTES
  const message = Buffer.alloc(length)
  message.writeUInt32BE(length, 0)
  message.writeUInt32BE(head.byteLength, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  message.set(head, PRELUDE_BYTES)
  message.set(payload, PRELUDE_BYTES + head.byteLength)
  message.writeUInt32BE(crc32(message.subarray(0, length - CHECKSUM_BYTES)), length - CHECKSUM_BYTES)
  return message
}

function headerBytes(name: string, value: string): Buffer {
  const [nameBytes, valueBytes] = [Buffer.from(name), Buffer.from(value)]
  const length = Buffer.alloc(2)
  length.writeUInt16BE(valueBytes.byteLength)
  return Buffer.concat([Buffer.of(nameBytes.byteLength), nameBytes, Buffer.of(TEXT_TYPE), length, valueBytes])
}
