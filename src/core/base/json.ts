import { TetherError } from './errors.js'

/** Deeper than any JSON written by hand, yet shallow enough for every stack. */
const MAX_LEVELS = 100

/**
 * Writes a value from outside as JSON. JSON.stringify() recurses for each level and overflows the stack after some
 * thousand levels, on a main thread after 4,000.
 * @param what begins the message, such as `The event`
 * @throws TetherError `TOO_LARGE` for a value nested too deeply or too long; other errors of JSON.stringify() unchanged
 */
export function jsonText(what: string, value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    throw unwritable(what, error)
  }
}

/** Parses JSON, given as text or as UTF-8 bytes. Returns undefined for invalid JSON. */
export function jsonValue(json: string | Uint8Array): unknown {
  try {
    return JSON.parse(
      typeof json === 'string'
        ? json
        : Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString('utf8'),
    )
  } catch {
    return undefined
  }
}

/**
 * Writes a value as JSON with sorted keys, so that key order does not matter. Values that JSON cannot hold become
 * `null`; undefined properties are left out.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`
  if (!isNested(value)) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonicalJson(one)}`).join()}}`
}

/**
 * Names the value in the error for one nested too deeply to be copied or written; returns any other error unchanged.
 */
export function unwritable(what: string, error: unknown): unknown {
  if (!(error instanceof RangeError)) return error
  const text = `${what} cannot be written as JSON: it is nested too deeply or too long (${error.message}). Flatten it.`
  return new TetherError('TOO_LARGE', text, { cause: error })
}

/**
 * Parses JSON from outside that is later walked or written again.
 * @param what begins the message, such as `The event`
 * @throws TetherError `TOO_LARGE` when nested over 100 levels deep; SyntaxError
 */
export function parseJson(what: string, text: string): unknown {
  const value: unknown = JSON.parse(text)
  let level = [value].filter(isNested)
  for (let levels = 1; level.length > 0; levels += 1) {
    if (levels > MAX_LEVELS) {
      const problem = `${what} is nested over ${MAX_LEVELS} levels deep, which is the most that is taken. Flatten it.`
      throw new TetherError('TOO_LARGE', problem)
    }
    level = level.flatMap((one) => Object.values(one)).filter(isNested)
  }
  return value
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
