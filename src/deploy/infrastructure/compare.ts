import { createHash } from 'node:crypto'
import { canonicalJson } from '../../core/base/json.js'
import { checkText, listOf } from '../../core/base/option-checks.js'
import { type Check, checkOptions, isObject, mustBe } from '../../core/base/options.js'
import {
  type ChangeImpact,
  type InfrastructureChange,
  type InfrastructureDiff,
  type InfrastructureTemplate,
  infrastructureDiff,
  type WidenedRight,
} from './diff.js'
import { differ } from './differ.js'
import { isFunction, type NormalTemplate, normalised } from './normalise.js'
import { propertyChanges, secretsOf } from './properties.js'

/** Options of {@link compareTemplates}. */
export interface CompareTemplatesOptions {
  /** The stack's name, for the text. @default none */
  readonly stack?: string | undefined
  /**
   * Live functions, by logical id or `FunctionName`: a difference in their code alone is not a change. `none` for a
   * comparison without live functions.
   * @default 'all'
   */
  readonly live?: 'all' | 'none' | readonly string[] | undefined
}

/** Templates by stack name. */
export type StackTemplates = Readonly<Record<string, InfrastructureTemplate>>

const IMPACTS: Readonly<Record<string, ChangeImpact>> = {
  WILL_CREATE: 'created',
  WILL_IMPORT: 'created',
  WILL_UPDATE: 'updated',
  MAY_REPLACE: 'may-be-replaced',
  WILL_REPLACE: 'replaced',
  WILL_DESTROY: 'destroyed',
  WILL_ORPHAN: 'orphaned',
}

/** Checks the option `live`. */
export const checkLive: Check = (name, value) => {
  if (value === 'all' || value === 'none') return
  listOf("'all', 'none' or a list of functions' names", checkText)(name, value)
}

/** A check for each of {@link CompareTemplatesOptions}. */
const compareChecks = { stack: checkText, live: checkLive }

/**
 * Compares two templates and returns the effects of a deployment, by resource. Ignores hashes of assets, metadata and
 * descriptions, the CDK's own version and rules, the order of keys, this package's variables and layer, and the code of
 * live functions. An undefined template stands for a stack that does not exist. Omits the values of `NoEcho`
 * parameters, of variables, of nested stacks' parameters, of URLs with a password and of properties named like secrets.
 *
 * Needs `@aws-cdk/cloudformation-diff`, which is loaded in a worker thread once there is a difference.
 * @throws TetherError `INVALID_OPTION`, `MISSING_DEPENDENCY`, `EXECUTION_FAILED`
 */
export async function compareTemplates(
  before: InfrastructureTemplate | undefined,
  after: InfrastructureTemplate | undefined,
  options: CompareTemplatesOptions = {},
): Promise<InfrastructureDiff> {
  for (const [name, value] of Object.entries({ before, after }))
    if (value !== undefined) mustBe('a template', isObject(value), name, value)
  const { stack = '', live } = checkOptions('compareTemplates', options, compareChecks)
  const of = (template: InfrastructureTemplate | undefined) =>
    template === undefined ? {} : { [stack]: template }
  return compareStacks(of(before), of(after), { live })
}

/** Changes that a comparison ignores. */
interface Leniency extends Pick<CompareTemplatesOptions, 'live'> {
  readonly ignore?: readonly ((change: InfrastructureChange) => boolean)[] | undefined
}

/** Like {@link compareTemplates}, for several stacks. @throws TetherError */
export async function compareStacks(
  before: StackTemplates,
  after: StackTemplates,
  leniency: Leniency,
): Promise<InfrastructureDiff> {
  const stacks = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  const parts = await Promise.all(
    stacks.map((stack) => compareStack(stack, normalised(before[stack]), normalised(after[stack]), leniency)),
  )
  const changes = parts.flatMap((part) => part.changes)
  const widened = parts.flatMap((part) => part.widened)
  const others = parts.flatMap((part) => part.others)
  const differing = parts.map((part) => part.differing).filter((text) => text !== '')
  const fingerprint = createHash('sha256').update(differing.join('\0')).digest('hex')
  return infrastructureDiff({ changes, widened, others, fingerprint })
}

interface Part extends Pick<InfrastructureDiff, 'changes' | 'widened' | 'others'> {
  /** All differences including values, for the fingerprint: the diff omits values. */
  readonly differing: string
}

async function compareStack(
  stack: string,
  before: NormalTemplate,
  after: NormalTemplate,
  { live, ignore = [] }: Leniency,
): Promise<Part> {
  const ids = [...new Set([...Object.keys(before.Resources), ...Object.keys(after.Resources)])]
  const changed = new Set(
    ids.filter((id) => canonicalJson(before.Resources[id]) !== canonicalJson(after.Resources[id])),
  )
  const code = ids
    .filter((id) => !changed.has(id) && canonicalJson(before.code[id]) !== canonicalJson(after.code[id]))
    .filter((id) => !isLive(id, after, live))
  const others = otherChanges(stack, before, after)
  const secrets = secretsOf(before, after)
  const { resources, widened } = changed.size === 0 ? NOTHING : await libraryDiff(changed, before, after)
  const all: InfrastructureChange[] = resources.flatMap(({ logicalId, impact: name }) => {
    const [a, b] = [before.Resources[logicalId], after.Resources[logicalId]]
    const type = b?.Type ?? a?.Type ?? ''
    // The library ignores properties that it does not know.
    const isChanged = a && b && canonicalJson(a.Properties) !== canonicalJson(b.Properties)
    const impact = impactOf(name, type) ?? (isChanged ? 'updated' : undefined)
    if (impact === undefined) return []
    const names = a && b ? Object.keys({ ...a.Properties, ...b.Properties }) : []
    const properties = names.flatMap((name) =>
      propertyChanges(name, a?.Properties?.[name], b?.Properties?.[name], { type, ...secrets }),
    )
    return [{ stack, logicalId, type, impact, properties, code: false }]
  })
  for (const logicalId of code) {
    const type = after.Resources[logicalId]?.Type ?? ''
    all.push({ stack, logicalId, type, impact: 'updated', properties: [], code: true })
  }
  const changes = all.filter((change) => !ignore.some((ignores) => ignores(change)))
  const counted = new Set(changes.map(({ logicalId }) => logicalId))
  const pick = (ids: Iterable<string>, from: Readonly<Record<string, unknown>>) =>
    [...ids].filter((id) => counted.has(id)).map((id) => [id, from[id]])
  const differing = [
    stack,
    pick(changed, before.Resources),
    pick(changed, after.Resources),
    pick(code, after.code),
    others,
    after.sections,
  ]
  return {
    changes,
    widened: widened.map((right) => ({ stack, ...right })),
    others,
    differing: changes.length === 0 && others.length === 0 ? '' : canonicalJson(differing),
  }
}

function impactOf(name: string, type: string): ChangeImpact | undefined {
  const impact = IMPACTS[name]
  // Only the SAM transform determines the resources that it generates, so a replacement is not certain.
  return impact === 'replaced' && type.startsWith('AWS::Serverless::') && !Object.hasOwn(BECOME, type)
    ? 'may-be-replaced'
    : impact
}

// In AWS's schema of SAM, every change replaces a function. Its properties are Lambda's, so Lambda's schema applies.
const BECOME: Readonly<Record<string, string>> = { 'AWS::Serverless::Function': 'AWS::Lambda::Function' }
const SECTION_NAMES: readonly string[] = [
  'Parameters',
  'Conditions',
  'Mappings',
  'Outputs',
  'Rules',
  'Transform',
]
const NOTHING = { resources: [], widened: [] }

/**
 * Asks the library about the changed resources. If one is replaced, also asks about the resources that refer to it:
 * their references change as well.
 */
async function libraryDiff(changed: ReadonlySet<string>, before: NormalTemplate, after: NormalTemplate) {
  const { resources, widened } = await askLibrary(changed, before, after)
  const replaced = resources.filter(({ impact }) => impact === 'WILL_REPLACE')
  const reached = withReferring(
    replaced.map(({ logicalId }) => logicalId),
    after,
  )
  const more = reached.size === replaced.length ? [] : (await askLibrary(reached, before, after)).resources
  const found = new Map([...resources, ...more].map((one) => [one.logicalId, one]))
  return {
    resources: [...found.values()],
    widened: widened.map(
      ({ principals, actions, resources }): Omit<WidenedRight, 'stack'> => ({
        principal: principals.map(withoutBraces).join(', '),
        actions,
        resources: resources.map(withoutBraces),
      }),
    ),
  }
}

function askLibrary(ids: ReadonlySet<string>, before: NormalTemplate, after: NormalTemplate) {
  const only = ({ Resources }: NormalTemplate) => ({
    Resources: Object.fromEntries(
      Object.entries(Resources)
        .filter(([id]) => ids.has(id))
        .map(([id, one]) => [id, { ...one, Type: BECOME[one.Type] ?? one.Type }]),
    ),
  })
  return differ.compare(only(before), only(after))
}

/** Returns these resources, and all resources that refer to them, directly or indirectly. */
function withReferring(ids: readonly string[], { Resources }: NormalTemplate): ReadonlySet<string> {
  const found = new Set(ids)
  if (found.size === 0) return found
  const referring = Object.entries(Resources).map(
    ([id, one]) => [id, references(JSON.stringify(one))] as const,
  )
  for (let size = 0; size < found.size; ) {
    size = found.size
    for (const [id, names] of referring) if (names.some((name) => found.has(name))) found.add(id)
  }
  return found
}

/** Returns the names that a resource may refer to. May include plain texts, which does no harm. */
function references(text: string): string[] {
  return [...text.matchAll(/"([A-Za-z0-9]+)"|\$\{([A-Za-z0-9]+)[.}]/g)].map(
    ([, plain, inSub]) => plain ?? inSub ?? '',
  )
}

/** Removes the braces of references, which the library writes as `${Role.Arn}`. */
function withoutBraces(text: string): string {
  return text.replace(/\$\{([^}]+)\}/g, '$1')
}

function otherChanges(stack: string, before: NormalTemplate, after: NormalTemplate): string[] {
  const prefix = stack === '' ? '' : `${stack}.`
  return SECTION_NAMES.flatMap((section) => {
    const [a = {}, b = {}] = [before.sections[section], after.sections[section]]
    const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
    return names
      .filter((name) => canonicalJson(a[name]) !== canonicalJson(b[name]))
      .map((name) => `${prefix}${section}${name === '' ? '' : `.${name}`}`)
  })
}

function isLive(
  id: string,
  { Resources }: NormalTemplate,
  live: CompareTemplatesOptions['live'] = 'all',
): boolean {
  const resource = Resources[id]
  if (resource === undefined || !isFunction(resource.Type) || live === 'none') return false
  return live === 'all' || live.includes(id) || live.includes(String(resource.Properties?.FunctionName))
}
