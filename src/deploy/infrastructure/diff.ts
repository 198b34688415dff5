import { printable } from '../../core/base/printable.js'

/** A CloudFormation template, as parsed by `JSON.parse`. */
export type InfrastructureTemplate = Readonly<Record<string, unknown>>

/** The effect of a deployment on a resource. `orphaned`: it leaves the stack but remains, by its `DeletionPolicy`. */
export type ChangeImpact = 'created' | 'updated' | 'may-be-replaced' | 'replaced' | 'destroyed' | 'orphaned'

/** A resource that a deployment would change. */
export interface InfrastructureChange {
  readonly stack: string
  /** Its name in the template. */
  readonly logicalId: string
  /** Such as `AWS::DynamoDB::Table`. */
  readonly type: string
  readonly impact: ChangeImpact
  /** Empty for a created or destroyed resource. */
  readonly properties: readonly PropertyChange[]
  /** Whether only the code differs. */
  readonly code: boolean
}

/**
 * A property that differs. Omits the values of secrets and variables, and values that are not a string, number or
 * boolean.
 */
export interface PropertyChange {
  /** Such as `Environment.Variables.TABLE`. */
  readonly path: string
  readonly before?: string | number | boolean
  readonly after?: string | number | boolean
}

/** A right that a deployment would grant, or a denial that it would remove. */
export interface WidenedRight {
  readonly stack: string
  /** The holder of the right: a principal of a policy, or the role that a policy belongs to. */
  readonly principal: string
  readonly actions: readonly string[]
  readonly resources: readonly string[]
}

/** The differences between templates. */
export interface InfrastructureDiff {
  readonly changes: readonly InfrastructureChange[]
  readonly widened: readonly WidenedRight[]
  /** Differences outside of resources, such as `Outputs.Url`, with the stack's name first. */
  readonly others: readonly string[]
  /** Whether a deployment would change nothing. */
  readonly empty: boolean
  /** Whether nothing is destroyed, replaced or perhaps replaced, and no rights are widened. */
  readonly safe: boolean
  /** Equal for equal differences; identifies a declined diff. */
  readonly fingerprint: string
  /** A text for people: one line each for the summary, the dangers and the widened rights, then each resource. */
  toString(): string
}

const WORDS: Readonly<Record<ChangeImpact, string>> = {
  created: 'created',
  updated: 'updated',
  'may-be-replaced': 'perhaps replaced',
  replaced: 'replaced',
  destroyed: 'destroyed',
  orphaned: 'left behind',
}
const SIGNS: Readonly<Record<ChangeImpact, string>> = {
  created: '+',
  updated: '~',
  'may-be-replaced': '!',
  replaced: '!',
  destroyed: '-',
  orphaned: '-',
}
const DANGEROUS: readonly ChangeImpact[] = ['replaced', 'may-be-replaced', 'destroyed']
const MAX_NAMED = 3

/** Adds the verdict and the text to a diff. */
export function infrastructureDiff(
  facts: Pick<InfrastructureDiff, 'changes' | 'widened' | 'others' | 'fingerprint'>,
): InfrastructureDiff {
  const { changes, widened, others } = facts
  return {
    ...facts,
    empty: changes.length === 0 && others.length === 0,
    safe: widened.length === 0 && !changes.some(({ impact }) => DANGEROUS.includes(impact)),
    toString: () => text(changes, widened, others),
  }
}

function text(
  changes: readonly InfrastructureChange[],
  widened: readonly WidenedRight[],
  others: readonly string[],
): string {
  if (changes.length === 0 && others.length === 0) return 'No infrastructure changes.'
  const lines = [
    summary(changes, others),
    danger(changes),
    rights(widened),
    ...changes.flatMap(changeLines),
    ...others.map((name) => `~ ${name}`),
    ...widened.map(
      ({ principal, actions, resources }) =>
        `! ${principal} may ${actions.join(', ')} on ${resources.join(', ')}`,
    ),
  ]
  // Names come from templates: control characters in them must not reach a terminal.
  return lines.map((line) => printable(line)).join('\n')
}

function summary(changes: readonly InfrastructureChange[], others: readonly string[]): string {
  const stacks = [...new Set(changes.map(({ stack }) => stack))].filter((stack) => stack !== '')
  const counts = (Object.keys(WORDS) as ChangeImpact[]).flatMap((impact) => {
    const count = changes.filter((change) => change.impact === impact).length
    return count === 0 ? [] : [`${count} ${WORDS[impact]}`]
  })
  if (others.length > 0) counts.push(`${others.length} beside resources`)
  const total = changes.length + others.length
  const where = stacks.length === 0 ? '' : ` in ${stacks.join(', ')}`
  return `${total} infrastructure ${total === 1 ? 'change' : 'changes'}${where}: ${counts.join(', ')}.`
}

function danger(changes: readonly InfrastructureChange[]): string {
  const found = changes.filter(({ impact }) => DANGEROUS.includes(impact))
  if (found.length === 0) return 'Nothing is replaced or destroyed.'
  const named = found
    .slice(0, MAX_NAMED)
    .map(({ logicalId, type, impact }) => `${logicalId} (${type}) is ${WORDS[impact]}`)
  const more = found.length > MAX_NAMED ? `, and ${found.length - MAX_NAMED} more` : ''
  return `Dangerous: ${named.join(', ')}${more}. What they hold may be lost.`
}

function rights(widened: readonly WidenedRight[]): string {
  if (widened.length === 0) return 'No rights are widened.'
  const named = widened
    .slice(0, MAX_NAMED)
    .map(({ principal, actions }) => `${principal} may ${actions.slice(0, MAX_NAMED).join(', ')}`)
  const more = widened.length > MAX_NAMED ? `, and ${widened.length - MAX_NAMED} more` : ''
  return `Rights are widened: ${named.join('; ')}${more}.`
}

function changeLines({ logicalId, type, impact, properties, code }: InfrastructureChange): string[] {
  const what = code ? 'updated, its code alone' : WORDS[impact]
  return [
    `${SIGNS[impact]} ${logicalId} (${type}): ${what}`,
    ...properties.map(({ path, before, after }) => {
      const values = before === undefined && after === undefined ? '' : `: ${shown(before)} → ${shown(after)}`
      return `    ${path}${values}`
    }),
  ]
}

function shown(value: string | number | boolean | undefined): string {
  return value === undefined ? 'none' : printable(value, 60)
}
