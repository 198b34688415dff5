// What a pattern means, said in another way than the engine does it: as Event Ruler's page does, by the leaves of an event, each
// with the elements of lists that it lies in, and no two fields of a match in different elements of one list.

interface Leaf {
  readonly path: string
  readonly value: unknown
  /** By list, the element. */
  readonly elements: Readonly<Record<string, number>>
}

/** One field of a pattern without `$or`. */
type Condition = readonly [path: string, values: readonly unknown[]]

/** Whether an event is as a valid pattern says; exponential. */
export function slowlyMatches(pattern: object, event: unknown): boolean {
  const leaves = leavesOf(event, '', '', {})
  return alternatives(pattern, '').some((conditions) => satisfied(conditions, leaves, {}))
}

function alternatives(pattern: object, path: string): Condition[][] {
  let all: Condition[][] = [[]]
  for (const [key, value] of Object.entries(pattern)) {
    const isOr = key === '$or' && Array.isArray(value) && value.length > 1
    const below = isOr
      ? (value as object[]).flatMap((choice) => alternatives(choice, path))
      : Array.isArray(value)
        ? [[[`${path}/${key}`, value] as const]]
        : alternatives(value as object, `${path}/${key}`)
    all = all.flatMap((one) => below.map((more) => [...one, ...more]))
  }
  return all
}

function leavesOf(value: unknown, path: string, list: string, elements: Leaf['elements']): Leaf[] {
  if (Array.isArray(value))
    return value.flatMap((one, index) =>
      leavesOf(one, path, `${list}[${index}]`, { ...elements, [`${path}${list}`]: index }),
    )
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, one]) => leavesOf(one, `${path}/${key}`, '', elements))
  return [{ path, value, elements }]
}

function satisfied(conditions: Condition[], leaves: Leaf[], chosen: Leaf['elements']): boolean {
  const [condition, ...rest] = conditions
  if (condition === undefined) return true
  const [path, values] = condition
  const there = leaves.filter((leaf) => leaf.path === path)
  const mayBeAbsent = values.some((value) => (value as { exists?: boolean } | null)?.exists === false)
  if (there.length === 0) return mayBeAbsent && satisfied(rest, leaves, chosen)
  return there.some(
    (leaf) =>
      Object.entries(leaf.elements).every(([list, index]) => (chosen[list] ?? index) === index) &&
      values.some((value) => fits(value, leaf.value)) &&
      satisfied(rest, leaves, { ...chosen, ...leaf.elements }),
  )
}

function fits(value: unknown, leaf: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === leaf
  const [operator, argument] = Object.entries(value)[0] as [string, unknown]
  const text = typeof leaf === 'string' ? leaf : undefined
  switch (operator) {
    case 'exists':
      return argument === true
    case 'numeric': {
      const [sign, bound, ...more] = argument as [string, number]
      const orders: Record<string, number[]> = { '=': [0], '<': [-1], '<=': [-1, 0], '>': [1], '>=': [1, 0] }
      if (typeof leaf !== 'number' || !orders[sign]!.includes(Math.sign(leaf - bound))) return false
      return more.length === 0 || fits({ numeric: more }, leaf)
    }
    case 'anything-but':
      if (typeof argument === 'object' && !Array.isArray(argument)) {
        const [inner, given] = Object.entries(argument as object)[0] as [string, unknown]
        return ![given].flat().some((one) => fits({ [inner]: one }, leaf))
      }
      return !([argument] as unknown[]).flat().includes(leaf)
    default: {
      const ignoring = typeof argument === 'object' || operator === 'equals-ignore-case'
      const given = String(typeof argument === 'object' ? Object.values(argument as object)[0] : argument)
      const literal = given.replace(/[\\*]?[^\\*]|\\?[\\*]/g, (part) => escaped(part, operator))
      const source = { prefix: `^${literal}`, suffix: `${literal}$` }[operator] ?? `^${literal}$`
      return text !== undefined && new RegExp(source, ignoring ? 'is' : 's').test(text)
    }
  }
}

/** A part of a text as a regular expression: its asterisks stand for anything in wildcards alone. */
function escaped(part: string, operator: string): string {
  if (operator !== 'wildcard') return part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
  if (part.startsWith('\\')) return `\\${part[1]}`
  return part.replace(/[\\^$.*+?()[\]{}|/-]/g, (letter) => (letter === '*' ? '.*' : `\\${letter}`))
}
