import { BlockList, isIP } from 'node:net'
import { invalidOption, isObject, mustBe } from '../base/options.js'
import { wildcardMatcher } from './wildcard.js'

/** Whether a leaf of an event (a text, a number, true, false or null) matches a pattern's value. */
export type LeafMatcher = (leaf: unknown) => boolean

/** Compiles an operator's argument. @throws TetherError `INVALID_OPTION`, by `name` */
type Operator = (name: string, argument: unknown) => LeafMatcher

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
const MAX_NUMBER = 5e9
const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}
const MASK = /^(.+)\/(\d{1,3})$/

const ofText =
  (compile: (name: string, text: string) => (leaf: string) => boolean): Operator =>
  (name, argument) => {
    mustBe('a text', typeof argument === 'string', name, argument)
    const matches = compile(name, argument as string)
    return (leaf) => typeof leaf === 'string' && matches(leaf)
  }

const equalsIgnoreCase = ofText((_name, text) => {
  const folded = text.toLowerCase()
  return (leaf) => leaf.toLowerCase() === folded
})
const wildcard = ofText(wildcardMatcher)

/** `prefix` and `suffix`: of a text unchanged, or with `equals-ignore-case`. */
const affix =
  (has: (leaf: string, text: string) => boolean): Operator =>
  (name, argument) => {
    if (!isObject(argument)) return ofText((_name, text) => (leaf) => has(leaf, text))(name, argument)
    const [inner, given] = argumentOf(name, argument as object, ['equals-ignore-case'])
    const ignoringCase = ofText((_name, text) => {
      const folded = text.toLowerCase()
      return (leaf) => has(leaf.toLowerCase(), folded)
    })
    return ignoringCase(inner, given)
  }
const prefix = affix((leaf, text) => leaf.startsWith(text))
const suffix = affix((leaf, text) => leaf.endsWith(text))

const numeric: Operator = (name, argument) => {
  const list = argument as unknown[]
  const isList = Array.isArray(argument) && (list.length === 2 || list.length === 4)
  mustBe('a list of one or two comparisons, such as [">", 0, "<=", 5]', isList, name, argument)
  const tests = Array.from({ length: list.length / 2 }, (_, index) => {
    const [sign, bound] = list.slice(2 * index, 2 * index + 2) as [string, number]
    mustBe('a comparison: =, <, <=, > or >=', Object.hasOwn(COMPARISONS, sign), `${name}[${2 * index}]`, sign)
    const isBound = typeof bound === 'number' && Math.abs(bound) <= MAX_NUMBER
    mustBe('a number from -5e9 to 5e9', isBound, `${name}[${2 * index + 1}]`, bound)
    return (leaf: number) => COMPARISONS[sign]!(leaf, bound)
  })
  return (leaf) => typeof leaf === 'number' && tests.every((test) => test(leaf))
}

const cidr: Operator = (name, argument) => {
  const [, address = '', bits] = MASK.exec(String(argument)) ?? []
  const family = isIP(address)
  const isBlock = typeof argument === 'string' && family !== 0 && Number(bits) <= (family === 4 ? 32 : 128)
  mustBe('an IP block, such as 10.0.0.0/24', isBlock, name, argument)
  const block = new BlockList()
  block.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  return (leaf) => {
    const kind = typeof leaf === 'string' ? isIP(leaf) : 0
    return kind === family && block.check(leaf as string, kind === 4 ? 'ipv4' : 'ipv6')
  }
}

/** Operators within `anything-but`. Each takes one text, or a list. */
const NEGATED: Readonly<Record<string, Operator>> = {
  prefix,
  suffix,
  'equals-ignore-case': equalsIgnoreCase,
  wildcard,
}

const anythingBut: Operator = (name, argument) => {
  if (isObject(argument)) {
    const [inner, given, operator] = argumentOf(name, argument as object, Object.keys(NEGATED))
    const each = listed(inner, given).map((one) => NEGATED[operator]!(inner, one))
    return (leaf) => !each.some((matches) => matches(leaf))
  }
  const list = listed(name, argument)
  const kinds = new Set(list.map((one) => typeof one))
  const isUniform = kinds.size === 1 && (kinds.has('string') || kinds.has('number'))
  mustBe('a text, a number, or a list of one of these', isUniform, name, argument)
  const excluded = new Set(list)
  return (leaf) => !excluded.has(leaf)
}

/** All operators except `exists`, which concerns absent fields. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  prefix,
  suffix,
  'equals-ignore-case': equalsIgnoreCase,
  wildcard,
  numeric,
  cidr,
  'anything-but': anythingBut,
}

/**
 * An operator's place, its argument and its name.
 * @throws TetherError `INVALID_OPTION` unless it is known and the only one
 */
export function argumentOf(
  name: string,
  object: object,
  known: readonly string[],
): [place: string, argument: unknown, operator: string] {
  const [entry, ...more] = Object.entries(object)
  if (entry === undefined || more.length > 0 || !known.includes(entry[0]))
    throw invalidOption(name, `must have one operator of ${known.join(', ')}`)
  return [`${name}.${entry[0]}`, entry[1], entry[0]]
}

function listed(name: string, argument: unknown): readonly unknown[] {
  if (!Array.isArray(argument)) return [argument]
  mustBe('a list that is not empty', argument.length > 0, name, argument)
  return argument
}
