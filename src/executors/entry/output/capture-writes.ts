import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { nextTick } from '../../../core/base/timers.js'
import type { LogEntry } from '../../../core/contracts/executor.js'

type AnyFunction = (...values: unknown[]) => unknown

const STREAMS: Readonly<Record<number, LogEntry['stream']>> = { 1: 'stdout', 2: 'stderr' }

/**
 * Captures writes through `node:fs` to file descriptors 1 and 2, as pino makes them: a thread shares the descriptors of
 * its host. Native code, child processes and nested threads still write to the host's.
 */
export function captureWrites(write: (stream: LogEntry['stream'], bytes: Uint8Array) => void): void {
  /** Returns the number of captured bytes; undefined if `node:fs` must handle the call. */
  const take = (fd: unknown, data: readonly (Buffer | undefined)[]): number | undefined => {
    const stream = typeof fd === 'number' ? STREAMS[fd] : undefined
    if (stream === undefined || data.includes(undefined)) return undefined
    const bytes = Buffer.concat(data as Buffer[])
    write(stream, bytes)
    return bytes.byteLength
  }
  const takeParts = (fd: unknown, parts: unknown) =>
    Array.isArray(parts)
      ? take(
          fd,
          parts.map((part) => bytesOf(part)),
        )
      : undefined
  replace(
    'writeSync',
    (original) =>
      (fd, data, ...rest) =>
        take(fd, [bytesOf(data, ...rest)]) ?? original(fd, data, ...rest),
  )
  replace(
    'writevSync',
    (original) =>
      (fd, parts, ...rest) =>
        takeParts(fd, parts) ?? original(fd, parts, ...rest),
  )
  for (const name of ['writeFileSync', 'appendFileSync'] as const) {
    replace(name, (original) => (fd, data, options) => {
      if (take(fd, [bytesOf(data, undefined, encodingOf(options))]) === undefined) original(fd, data, options)
    })
  }
  const later = (callback: unknown, take: () => number | undefined, data: unknown): boolean => {
    const count = typeof callback === 'function' ? take() : undefined
    if (count !== undefined) nextTick(() => (callback as AnyFunction)(null, count, data))
    return count !== undefined
  }
  replace('write', (original) => (fd, data, ...rest) => {
    if (!later(rest.at(-1), () => take(fd, [bytesOf(data, ...rest.slice(0, -1))]), data))
      original(fd, data, ...rest)
  })
  replace('writev', (original) => (fd, parts, ...rest) => {
    if (!later(rest.at(-1), () => takeParts(fd, parts), parts)) original(fd, parts, ...rest)
  })
  syncBuiltinESMExports()
}

/**
 * @param place for a buffer its offset, or an object with offset and length; for a text the position in the file
 * @param more for a buffer its length; for a text its encoding
 */
function bytesOf(data: unknown, place?: unknown, more?: unknown): Buffer | undefined {
  if (typeof data === 'string') {
    return Buffer.from(data, typeof more === 'string' && Buffer.isEncoding(more) ? more : 'utf8')
  }
  if (!ArrayBuffer.isView(data)) return undefined
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const { offset, length } = (
    typeof place === 'object' && place !== null ? place : { offset: place, length: more }
  ) as {
    offset?: unknown
    length?: unknown
  }
  const start = typeof offset === 'number' ? offset : 0
  return bytes.subarray(start, typeof length === 'number' ? start + length : undefined)
}

function encodingOf(options: unknown): unknown {
  return typeof options === 'string'
    ? options
    : (options as { encoding?: unknown } | undefined | null)?.encoding
}

function replace(name: keyof typeof fs, by: (original: AnyFunction) => AnyFunction): void {
  const original = fs[name] as unknown as AnyFunction
  const replacement = by(original)
  // The name, and the property that `util.promisify` uses.
  Object.defineProperties(replacement, Object.getOwnPropertyDescriptors(original))
  Object.defineProperty(fs, name, {
    value: replacement,
    configurable: true,
    enumerable: true,
    writable: true,
  })
}
