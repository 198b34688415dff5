import { partitionOf } from '../../aws/endpoints.js'
import { TetherError } from '../../core/base/errors.js'

/** One statement of an IAM policy; only the elements that the local broker supports. */
export interface PolicyStatement {
  readonly Sid?: string | undefined
  readonly Effect: 'Allow' | 'Deny'
  /** Such as `iot:Publish`; `*` and `?` are wildcards. */
  readonly Action: string | readonly string[]
  /** Such as `arn:aws:iot:us-east-1:123456789012:topic/a/*`; `*` and `?` are wildcards, `+` and `#` are not. */
  readonly Resource: string | readonly string[]
}

/** An IAM policy document. */
export interface PolicyDocument {
  readonly Version: string
  readonly Statement: PolicyStatement | readonly PolicyStatement[]
}

/** The actions that the local broker checks. */
export type IotAction =
  | 'iot:Connect'
  | 'iot:Publish'
  | 'iot:RetainPublish'
  | 'iot:Subscribe'
  | 'iot:Receive'
  | 'iot:GetRetainedMessage'
  | 'iot:ListRetainedMessages'

/** Whether `action` is allowed on a resource such as `topic/a/b`, the part of the ARN after the account. */
export type PolicyCheck<A extends string = IotAction> = (action: A, resource: string) => boolean

interface Rule {
  readonly deny: boolean
  readonly actions: readonly RegExp[]
  readonly resources: readonly RegExp[]
}

/**
 * Compiles a policy. As in IAM, actions without an allowing statement are denied, and a Deny overrides every Allow.
 * @throws TetherError `INVALID_OPTION` for IAM features that are not supported here (conditions, variables,
 * `NotAction`): a partly understood policy would silently allow or deny the wrong actions
 */
export function compilePolicy<A extends string = IotAction>(
  policy: PolicyDocument,
  region: string,
  accountId: string,
  service = 'iot',
): PolicyCheck<A> {
  const rules = list(policy?.Statement).map(compileStatement)
  const prefix = `arn:${partitionOf(region)}:${service}:${region}:${accountId}:`
  return (action, resource) => {
    const arn = prefix + resource
    const applies = (rule: Rule) =>
      rule.actions.some((pattern) => pattern.test(action)) &&
      rule.resources.some((pattern) => pattern.test(arn))
    return (
      !rules.some((rule) => rule.deny && applies(rule)) && rules.some((rule) => !rule.deny && applies(rule))
    )
  }
}

function compileStatement(statement: PolicyStatement): Rule {
  for (const key of Object.keys(statement)) {
    if (['Sid', 'Effect', 'Action', 'Resource'].includes(key)) continue
    throw new TetherError(
      'INVALID_OPTION',
      `'policy': the local broker does not understand '${key}' in a statement.`,
    )
  }
  const { Effect, Action, Resource } = statement
  if (Effect !== 'Allow' && Effect !== 'Deny') {
    throw new TetherError(
      'INVALID_OPTION',
      `'policy': 'Effect' must be Allow or Deny, not ${String(Effect)}.`,
    )
  }
  // IAM matches actions case-insensitively, resources case-sensitively.
  return {
    deny: Effect === 'Deny',
    actions: patterns('Action', Action, 'i'),
    resources: patterns('Resource', Resource, ''),
  }
}

function patterns(key: string, value: string | readonly string[], flags: string): RegExp[] {
  const texts = list(value)
  if (texts.length === 0) throw new TetherError('INVALID_OPTION', `'policy': a statement has no '${key}'.`)
  return texts.map((text) => {
    if (typeof text !== 'string' || text.includes('${')) {
      throw new TetherError(
        'INVALID_OPTION',
        `'policy': the local broker does not understand the ${key} '${text}'.`,
      )
    }
    const source = text
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')
    return new RegExp(`^${source}$`, `su${flags}`)
  })
}

function list<T>(value: T | readonly T[] | undefined): readonly T[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value as T]
}
