import { isObject } from '../core/base/options.js'
import { fieldPointer } from './pointers.js'

/** One difference. */
export interface DiffChange {
  /** A JSON pointer into the response, or into the error: `/body/items/0/price`. Empty if the whole value differs. */
  readonly path: string
  /** A new field, a removed field, or a field with another value. */
  readonly kind: 'added' | 'removed' | 'changed'
  /** Undefined if `kind` is `added`. */
  readonly before: unknown
  /** Undefined if `kind` is `removed`. */
  readonly after: unknown
}

export interface CompareOptions {
  ignores(path: string): boolean
  /** Whether to treat marks of redaction in `before` as redacted values. */
  readonly redacted: boolean
}

/** A recorder's marks: `[redacted:sha256:0123abcd]` and `[redacted:1]`. */
const MARK = /\[redacted:[^\]]*\]/

/**
 * Compares two JSON values, field by field and item by item, in order. Iterative, with a stack of its own: bodies may
 * be deeply nested.
 */
export function changesBetweenValues(
  before: unknown,
  after: unknown,
  { ignores, redacted }: CompareOptions,
): { readonly changes: readonly DiffChange[]; readonly skipped: readonly string[] } {
  const changes: DiffChange[] = []
  const skipped: string[] = []
  const pending: { path: string; before: unknown; after: unknown }[] = [{ path: '', before, after }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, before, after } = next
    if (before === after || ignores(path)) continue
    if (redacted && typeof before === 'string' && MARK.test(before)) skipped.push(path)
    else if (isNested(before) && isNested(after) && Array.isArray(before) === Array.isArray(after))
      for (const child of childrenOf(path, before, after).reverse()) pending.push(child)
    else if (before === undefined) changes.push({ path, kind: 'added', before, after })
    else if (after === undefined) changes.push({ path, kind: 'removed', before, after })
    else changes.push({ path, kind: 'changed', before, after })
  }
  return { changes, skipped }
}

function childrenOf(path: string, before: Nested, after: Nested) {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].map((name) => ({
    path: fieldPointer(path, name),
    before: own(before, name),
    after: own(after, name),
  }))
}

type Nested = Readonly<Record<string, unknown>>

function isNested(value: unknown): value is Nested {
  return isObject(value) || Array.isArray(value)
}

function own(value: Nested, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined
}
