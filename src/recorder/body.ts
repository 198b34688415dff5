import { isUtf8 } from 'node:buffer'
import { jsonValue } from '../core/base/json.js'

/** A body with its JSON, parsed on first use. */
export class Body {
  readonly bytes: Uint8Array
  #value: { readonly of: unknown } | undefined

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** The parsed JSON, cached after the first read; undefined if the body is not JSON. */
  get value(): unknown {
    this.#value ??= { of: parseBody(this.bytes)?.value }
    return this.#value.of
  }
}

/** Parses a body without caching the result. Returns undefined if the body is not JSON. */
export function parseBody(bytes: Uint8Array): { readonly text: string; readonly value: unknown } | undefined {
  if (bytes.length === 0 || !isUtf8(bytes)) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  const value = jsonValue(text)
  return value === undefined ? undefined : { text, value }
}

/**
 * Copies bytes that are a small part of a larger buffer: a small event would otherwise keep everything that arrived
 * with it in memory.
 */
export function compact(bytes: Uint8Array): Uint8Array {
  // Small copies come from Node's pool: a separate buffer for each would cost more than the event.
  return bytes.buffer.byteLength > bytes.length * 2 + Buffer.poolSize ? Buffer.from(bytes) : bytes
}
