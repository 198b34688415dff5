import { type Check, invalidOption, isObject, kindOf, mustBe } from './options.js'

// Checks for options: first without parameters, then with. All throw `INVALID_OPTION`.

/** A text that is not empty. */
export const checkText: Check = (name, value) =>
  mustBe('a text that is not empty', typeof value === 'string' && value !== '', name, value)

/** A text, which may be empty. */
export const checkString: Check = (name, value) => mustBe('a text', typeof value === 'string', name, value)

/** A non-empty text that messages never show. */
export const checkSecret: Check = (name, value) => {
  if (typeof value === 'string' && value !== '') return
  throw invalidOption(name, `must be a text that is not empty${value === '' ? '' : `, not ${kindOf(value)}`}`)
}

/** PEM, never shown in messages. Without this check, a path in its place would only surface as a failing connection. */
export function pem(label: 'CERTIFICATE' | 'PRIVATE KEY'): Check {
  return (name, value) => {
    checkSecret(name, value)
    if (!(value as string).includes(`${label}-----`))
      throw invalidOption(
        name,
        `must be PEM, with -----BEGIN ${label}-----: the content of the file, not its path`,
      )
  }
}

/** A text, possibly empty like MQTT's user name and password, that messages never show. */
export const checkAnySecret: Check = (name, value) => {
  if (typeof value !== 'string') throw invalidOption(name, `must be a text, not ${kindOf(value)}`)
}

/** True or false. */
export const checkFlag: Check = (name, value) =>
  mustBe('true or false', typeof value === 'boolean', name, value)

/** A function. */
export const checkFunction: Check = (name, value) =>
  mustBe('a function', typeof value === 'function', name, value)

/** An injected clock. */
export const checkClock: Check = (name, value) =>
  withMethods('a clock: { now, schedule }', 'now', 'schedule')(name, value)

/** Milliseconds from 0. */
export const checkDuration: Check = (name, value) =>
  mustBe('a number of milliseconds from 0', Number.isFinite(value) && Number(value) >= 0, name, value)

/** An `AbortSignal`, of any realm. */
export const checkSignal: Check = (name, value) =>
  withMethods('an AbortSignal', 'addEventListener')(name, value)

/** A port to listen on; 0 is a free one. */
export const checkPort: Check = (name, value) => wholeNumber(0, 65_535)(name, value)

/** The http(s) URL of a server that replaces the default one. */
export const checkHttpUrl: Check = (name, value) => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  mustBe('an http:// or https:// URL', /^https?:$/.test(url?.protocol ?? ''), name, value)
}

/** A path of a file or a folder. */
export const checkPathText: Check = (name, value) =>
  mustBe('a path', typeof value === 'string' && /^[^\0]+$/.test(value), name, value)

/** A path or a URL. The caller still has to insist on `file:`. */
export const checkPath: Check = (name, value) =>
  mustBe('a path', value instanceof URL || (typeof value === 'string' && value !== ''), name, value)

/** A whole number from `min` to `max`; without `max`, unlimited. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): Check {
  return (name, value) => {
    if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return
    const range = max === Number.MAX_SAFE_INTEGER ? formatted(min) : `${formatted(min)} to ${formatted(max)}`
    mustBe(`a whole number from ${range}`, false, name, value)
  }
}

/** A number of at least `min`; Infinity is allowed. */
export function numberFrom(min: number): Check {
  return (name, value) => {
    if (typeof value !== 'number' || value < min || Number.isNaN(value))
      mustBe(`a number from ${formatted(min)}`, false, name, value)
  }
}

/** One of these texts. */
export function oneOf(...choices: readonly string[]): Check {
  return (name, value) =>
    mustBe(`one of ${choices.join(', ')}`, choices.includes(value as string), name, value)
}

/** A text that matches the pattern. @param words the requirement, for the message */
export function matching(pattern: RegExp, words: string): Check {
  return (name, value) => mustBe(words, typeof value === 'string' && pattern.test(value), name, value)
}

/** An object with these methods. @param words the requirement, for the message */
export function withMethods(words: string, ...methods: readonly string[]): Check {
  return (name, value) =>
    mustBe(
      words,
      methods.every((method) => isMethod(value, method)),
      name,
      value,
    )
}

/** Whether a value has a method of this name. */
export function isMethod(value: unknown, method: string): boolean {
  return typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function'
}

/** A list of items that all pass the check. @param words the requirement on the list, for the message */
export function listOf(words: string, check: Check): Check {
  return (name, value) => {
    mustBe(words, Array.isArray(value), name, value)
    for (const [index, one] of (value as unknown[]).entries()) check(`${name}[${index}]`, one)
  }
}

/** An object with free names and values that all pass the check. @param words the requirement, for the message */
export function recordOf(words: string, check: Check): Check {
  return (name, value) => {
    mustBe(words, isObject(value), name, value)
    for (const [field, one] of Object.entries(value as object)) check(`${name}.${field}`, one)
  }
}

// Called for messages only: the first formatted number costs 12 ms, too much for a stub's cold start, to load the
// locale.
function formatted(value: number): string {
  return value.toLocaleString('en-US')
}
