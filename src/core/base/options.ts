import { TetherError } from './errors.js'
import { printable } from './printable.js'

/** Throws `INVALID_OPTION`, with the option's name, for a value that the option cannot have. */
export type Check = (name: string, value: unknown) => unknown

/** The check of an option that cannot be left out; see {@link required}. */
export type RequiredCheck = Check & { readonly required: true }

/** A check for each option of an interface. The table defines which options exist and which are required. */
export type Checks<O> = {
  readonly [Name in keyof O]-?: O extends Record<Name, unknown> ? RequiredCheck : Check
}

type Table = Readonly<Record<string, Check & { readonly required?: true }>>

/**
 * Checks the options of a public function: they must be an object, have no unknown names, and pass each its own check.
 * @param factory the function's name, for messages
 * @throws TetherError `INVALID_OPTION` naming the option
 */
export function checkOptions<O extends object>(factory: string, options: O, checks: Checks<O>): O {
  const table = checks as Table
  if (!isObject(options)) {
    const needed = Object.keys(table).flatMap((name) => (table[name]?.required ? [`'${name}'`] : []))
    const what = needed.length === 0 ? 'an object of options' : `an object with ${needed.join(', ')}`
    throw new TetherError('INVALID_OPTION', `${factory}() takes ${what}, not ${shown(options)}.`)
  }
  checkNames(`of ${factory}()`, '', options, table)
  checkFields('', options, table)
  return options
}

/** Makes a check reject `undefined` too. */
export function required(check: Check): RequiredCheck {
  return Object.assign((name: string, value: unknown) => check(name, value), { required: true } as const)
}

/** Checks an object that has these options and no others. */
export function optionsOf<O extends object>(checks: Checks<O>): Check {
  return (name, value) => {
    mustBe(`an object of ${Object.keys(checks).join(', ')}`, isObject(value), name, value)
    checkNames(`of '${name}'`, `${name}.`, value as object, checks as Table)
    checkFields(`${name}.`, value as object, checks as Table)
  }
}

/** Checks an object with these fields; further fields are ignored. @param words the requirement, for the message */
export function fields(words: string, checks: Table): Check {
  return (name, value) => {
    mustBe(words, isObject(value), name, value)
    checkFields(`${name}.`, value as object, checks)
  }
}

/** The error for a value that an option cannot have. @param problem follows the option's name in the message */
export function invalidOption(name: string, problem: string): TetherError {
  return new TetherError('INVALID_OPTION', `'${name}' ${problem}.`)
}

/**
 * Throws unless `holds`. @param words the requirement on the option @throws TetherError `INVALID_OPTION` with the value
 */
export function mustBe(words: string, holds: boolean, name: string, value: unknown): void {
  if (!holds) throw invalidOption(name, `must be ${words}, not ${shown(value)}`)
}

export function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function checkNames(where: string, prefix: string, options: object, table: Table): void {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(table, name))
      throw invalidOption(prefix + name, `is no option ${where}; those are ${Object.keys(table).join(', ')}`)
  }
}

function checkFields(prefix: string, options: object, table: Table): void {
  for (const [name, check] of Object.entries(table)) {
    const value = (options as Record<string, unknown>)[name]
    if (value !== undefined || check.required) check(prefix + name, value)
  }
}

/** The kind of a value, for messages that do not show it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'a text'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

const MAX_SHOWN = 100

/** A value as messages show it. */
function shown(value: unknown): string {
  if (value === '') return 'an empty text'
  if (typeof value === 'string') return `'${printable(value, MAX_SHOWN)}'`
  return ['object', 'function', 'symbol'].includes(typeof value) ? kindOf(value) : String(value)
}
