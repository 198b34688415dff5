import { isUtf8 } from 'node:buffer'
import { gunzipSync, gzipSync } from 'node:zlib'

/** More than Lambda takes as an event. Data that unpacks to more is not searched. */
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024
const BASE64 = /^[A-Za-z0-9+/_-]{12,}={0,2}$/
const BINARY = /(?![\t\n\r])\p{Cc}/u

/** A decoded text, with a function that encodes a changed text the same way. */
export interface Encoded {
  readonly text: string
  encode(text: string): string
}

/**
 * Decodes text in base64, plain or gzipped, as found in streams, Kinesis, CloudWatch Logs and binary bodies.
 * @param certain the event says that the text is base64: then also decodes bytes that are not text
 */
export function fromBase64(value: string, certain: boolean): Encoded | undefined {
  if (!certain && !BASE64.test(value)) return undefined
  const bytes = Buffer.from(value, 'base64')
  const alphabet = /[-_]/.test(value) ? 'base64url' : 'base64'
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    const unpacked = unpack(bytes)
    if (unpacked !== undefined) {
      const { text, charset } = decoded(unpacked)
      return { text, encode: (changed) => gzipSync(Buffer.from(changed, charset)).toString(alphabet) }
    }
  }
  const { text, charset } = decoded(bytes)
  if (!certain && (charset !== 'utf8' || BINARY.test(text))) return undefined
  return { text, encode: (changed) => Buffer.from(changed, charset).toString(alphabet) }
}

/** Decodes bytes as a text that encodes back to the same bytes. */
export function decoded(bytes: Uint8Array): { text: string; charset: 'utf8' | 'latin1' } {
  const charset = isUtf8(bytes) ? 'utf8' : 'latin1'
  return { text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(charset), charset }
}

/** Decodes percent-encoding in a form or a URL. */
export function fromPercent(value: string): Encoded | undefined {
  try {
    return { text: decodeURIComponent(value.replaceAll('+', ' ')), encode: encodeURIComponent }
  } catch {
    return undefined
  }
}

function unpack(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES })
  } catch {
    return undefined
  }
}

/**
 * Returns a value as one text, or undefined if it cannot be a secret. A list of bytes becomes one text: marked byte by
 * byte, equal bytes would have equal marks.
 */
export function secretText(value: unknown): string | undefined {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  if (Array.isArray(value) && value.length > 0 && value.every(isByte)) return decoded(Buffer.from(value)).text
  return undefined
}

function isByte(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255
}
