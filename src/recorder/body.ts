import { isUtf8 } from 'node:buffer'
import { jsonValue } from '../core/base/json.js'

/** A body, read when first needed. */
export class Body {
  readonly bytes: Uint8Array
  #value: { readonly of: unknown } | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Parsed when first read, and kept; undefined where it is no JSON. */
  get value(): unknown {
    this.#value ??= { of: parseBody(this.bytes)?.value }
    return this.#value.of
  }
}

/** Parses a body, and keeps nothing. Undefined where it is no JSON. */
export function parseBody(bytes: Uint8Array): { readonly text: string; readonly value: unknown } | undefined {
  if (bytes.length === 0 || !isUtf8(bytes)) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  const value = jsonValue(text)
  return value === undefined ? undefined : { text, value }
}

/**
 * Bytes without the rest of the memory that they are a part of: a small event would otherwise keep the buffer of everything
 * that arrived with it.
 */
export function compact(bytes: Uint8Array): Uint8Array {
  // Small copies share Node's pool: a buffer of its own for each costs more than the event.
  return bytes.buffer.byteLength > bytes.length * 2 + Buffer.poolSize ? Buffer.from(bytes) : bytes
}
