import { isObject } from '../../core/base/options.js'
import type { PropertyChange } from './diff.js'
import { canonical } from './normalise.js'

/** The most places that one property is told with. */
const MAX_PLACES = 20
// Neither a variable's value nor that of a property named like these is for a terminal.
const SECRET = /secret|passw|token|credential|private|api.?key|auth|Variables(\.|$)/i

/**
 * The places in which two values of a property differ.
 * @param noEcho parameters whose defaults are secret
 */
export function propertyChanges(
  path: string,
  before: unknown,
  after: unknown,
  noEcho: ReadonlySet<string>,
): PropertyChange[] {
  const found: PropertyChange[] = []
  const walk = (at: string, a: unknown, b: unknown): void => {
    if (found.length >= MAX_PLACES || canonical(a) === canonical(b)) return
    if (isObject(a) && isObject(b) && !isIntrinsic(a) && !isIntrinsic(b)) {
      const names = new Set([...Object.keys(a as object), ...Object.keys(b as object)])
      for (const name of names) walk(`${at}.${name}`, (a as never)[name], (b as never)[name])
      return
    }
    found.push({ path: at, ...told('before', at, a, noEcho), ...told('after', at, b, noEcho) })
  }
  walk(path, before, after)
  // What is new or gone as a whole is told by the names in it.
  return found.flatMap((change) => expanded(change, before, after, path))
}

function expanded(change: PropertyChange, before: unknown, after: unknown, path: string): PropertyChange[] {
  if (path !== 'Environment' || change.path !== path) return [change]
  const variables = ((before ?? after) as { Variables?: object } | undefined)?.Variables
  if (variables === undefined) return [change]
  return Object.keys(variables).map((name) => ({ path: `${path}.Variables.${name}` }))
}

function told(
  key: 'before' | 'after',
  path: string,
  value: unknown,
  noEcho: ReadonlySet<string>,
): Partial<PropertyChange> {
  const isSimple = ['string', 'number', 'boolean'].includes(typeof value)
  const isSecret =
    SECRET.test(path) || [...noEcho].some((name) => path.startsWith(`${name}.`) || path === name)
  return isSimple && !isSecret ? { [key]: value } : {}
}

function isIntrinsic(value: unknown): boolean {
  const [first, ...more] = Object.keys(value as object)
  return more.length === 0 && first !== undefined && (first === 'Ref' || first.startsWith('Fn::'))
}
