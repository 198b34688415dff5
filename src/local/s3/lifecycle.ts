import { S3Error } from './errors.js'
import { elements, textOf } from './xml.js'

/** The parts of a lifecycle rule that expire objects here. */
export interface ExpiryRule {
  readonly prefix: string
  readonly days: number
}

const DAY_MS = 86_400_000
const MAX_RULES = 1000

/** Parses the rules that expire objects. @throws S3Error `MalformedXML`, `InvalidArgument` */
export function parseLifecycle(xml: string): ExpiryRule[] {
  const rules = elements(xml, 'Rule')
  if (!/<LifecycleConfiguration[\s>]/.test(xml) || rules.length === 0 || rules.length > MAX_RULES) {
    throw new S3Error('MalformedXML')
  }
  const ids = rules.map((rule) => textOf(rule, 'ID')).filter((id) => id !== undefined)
  if (new Set(ids).size !== ids.length) {
    throw new S3Error('InvalidArgument', 'Rule ID must be unique. Found same ID for more than one rule')
  }
  return rules.flatMap((rule) => {
    const status = textOf(rule, 'Status')
    if (status !== 'Enabled' && status !== 'Disabled') throw new S3Error('MalformedXML')
    const text = textOf(elements(rule, 'Expiration')[0] ?? '', 'Days')
    if (text === undefined) return []
    const days = Number(text)
    if (!Number.isInteger(days) || days < 1) {
      throw new S3Error('InvalidArgument', "'Days' for Expiration action must be a positive integer")
    }
    return status === 'Enabled' ? [{ prefix: textOf(rule, 'Prefix') ?? '', days }] : []
  })
}

/**
 * Returns when an object expires, in Unix milliseconds: after the rule's days, rounded up to the next midnight UTC;
 * Infinity without a rule.
 */
export function expiresAt(rules: readonly ExpiryRule[], key: string, modifiedAt: number): number {
  const days = rules.filter(({ prefix }) => key.startsWith(prefix)).map((rule) => rule.days)
  return Math.ceil((modifiedAt + Math.min(...days, Number.POSITIVE_INFINITY) * DAY_MS) / DAY_MS) * DAY_MS
}
