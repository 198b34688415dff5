import { canonicalJson } from '../../core/base/json.js'
import { isObject } from '../../core/base/options.js'
import type { PropertyChange } from './diff.js'
import type { NormalTemplate } from './normalise.js'

/** The secrets of a resource, which must not be shown. */
export interface ResourceSecrets {
  /** The resource's type. */
  readonly type: string
  /** Parameters with `NoEcho`. */
  readonly noEcho: ReadonlySet<string>
  /** Defaults of those parameters. */
  readonly defaults: readonly string[]
}

/** Maximum number of differences reported for one property. */
const MAX_PLACES = 20
// Values of variables, and of properties with such names, must not reach a terminal.
const SECRET =
  /secret|pass|pwd|token|credential|private|api.?key|auth|connection.?string|UserData|Variables(\.|$)/i
/**
 * Properties that often hold a secret although their name does not suggest it. A nested stack's parameter may be
 * `NoEcho` in its own template.
 */
const SECRET_IN: Readonly<Record<string, RegExp>> = {
  'AWS::SSM::Parameter': /^Value$/,
  'AWS::CloudFormation::Stack': /^Parameters\./,
  'AWS::Serverless::Application': /^Parameters\./,
}
/** A URL with a password. */
const SECRET_URL = /:\/\/[^/\s@]*:[^/\s@]*@/
/** A shorter default occurs in many texts without a secret, so only an exact match counts. */
const MIN_PART = 4

/** Returns the places where two values of a property differ. */
export function propertyChanges(
  path: string,
  before: unknown,
  after: unknown,
  secrets: ResourceSecrets,
): PropertyChange[] {
  const found: PropertyChange[] = []
  const walk = (at: string, a: unknown, b: unknown): void => {
    if (found.length >= MAX_PLACES || canonicalJson(a) === canonicalJson(b)) return
    if (isObject(a) && isObject(b) && !isIntrinsic(a) && !isIntrinsic(b)) {
      const names = new Set([...Object.keys(a as object), ...Object.keys(b as object)])
      for (const name of names) walk(`${at}.${name}`, (a as never)[name], (b as never)[name])
      return
    }
    const isHidden = isSecretPlace(at, secrets) || [a, b].some((value) => isSecret(value, secrets))
    found.push({ path: at, ...(!isHidden && { ...told('before', a), ...told('after', b) }) })
  }
  walk(path, before, after)
  // An environment that is added or removed as a whole is reported by the names of its variables.
  return found.flatMap((change) => expanded(change, before, after, path))
}

function expanded(change: PropertyChange, before: unknown, after: unknown, path: string): PropertyChange[] {
  if (path !== 'Environment' || change.path !== path) return [change]
  const variables = ((before ?? after) as { Variables?: object } | undefined)?.Variables
  if (variables === undefined) return [change]
  return Object.keys(variables).map((name) => ({ path: `${path}.Variables.${name}` }))
}

/** Returns the secrets of a template's resources, which must not be shown. */
export function secretsOf(...templates: readonly NormalTemplate[]): Omit<ResourceSecrets, 'type'> {
  const noEcho = new Set(templates.flatMap((one) => [...one.noEcho]))
  const defaults = templates.flatMap(({ sections: { Parameters = {} } }) =>
    [...noEcho].map((name) => String((Parameters[name] as { Default?: unknown } | undefined)?.Default ?? '')),
  )
  return { noEcho, defaults: defaults.filter((text) => text !== '') }
}

function told(key: 'before' | 'after', value: unknown): Partial<PropertyChange> {
  return ['string', 'number', 'boolean'].includes(typeof value) ? { [key]: value } : {}
}

function isSecretPlace(path: string, { type }: ResourceSecrets): boolean {
  return SECRET.test(path) || SECRET_IN[type]?.test(path) === true
}

/**
 * Whether a value is, contains or references a secret. Callers then hide both sides of a change: the replacement of a
 * secret is a secret as well.
 */
function isSecret(value: unknown, { noEcho, defaults }: ResourceSecrets): boolean {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  if (SECRET_URL.test(text)) return true
  if (defaults.some((one) => text === one || (one.length >= MIN_PART && text.includes(one)))) return true
  return [...noEcho].some((name) => text.includes(`"${name}"`) || text.includes(`\${${name}}`))
}

function isIntrinsic(value: unknown): boolean {
  const [first, ...more] = Object.keys(value as object)
  return more.length === 0 && first !== undefined && (first === 'Ref' || first.startsWith('Fn::'))
}
