import { TetherError } from './errors.js'

/** More than anybody writes by hand, and little enough for every stack. */
const MAX_LEVELS = 100

/**
 * JSON of a value from outside. JSON.stringify() calls itself for each level and runs out of stack after some thousands,
 * on a main thread after 4,000.
 * @param what begins the message, such as `The event`
 * @throws TetherError `TOO_LARGE`; for what JSON cannot hold, what JSON.stringify() throws
 */
export function jsonText(what: string, value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    throw unwritable(what, error)
  }
}

/** The value of JSON, a text or its bytes in UTF-8; undefined where it is none. */
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

/** JSON of a value, the same text whatever the order of its keys. What JSON cannot hold is `null`, or left out, as JSON.stringify() does. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`
  if (!isNested(value)) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, one]) => `${JSON.stringify(key)}:${canonicalJson(one)}`).join()}}`
}

/** The error with a name for a value that is nested too deeply to be copied or written; any other error as it is. */
export function unwritable(what: string, error: unknown): unknown {
  if (!(error instanceof RangeError)) return error
  const text = `${what} cannot be written as JSON: it is nested too deeply or too long (${error.message}). Flatten it.`
  return new TetherError('TOO_LARGE', text, { cause: error })
}

/**
 * Reads JSON from outside that is walked or written again later.
 * @param what begins the message, such as `The event`
 * @throws TetherError `TOO_LARGE` where it is nested over 100 levels deep; SyntaxError
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
