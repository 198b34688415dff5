import type { LambdaError } from '../core/base/errors.js'
import { listOf, matching } from '../core/base/option-checks.js'
import { checkOptions, invalidOption, isObject, mustBe } from '../core/base/options.js'
import { changesBetweenValues, type DiffChange } from './changes.js'
import { pointerMatcher } from './pointers.js'
import { diffText } from './text.js'

/** The result of {@link diff}. `String(diff)` is a text for people: a line for each change, truncated after many. */
export interface Diff {
  readonly equal: boolean
  readonly changes: readonly DiffChange[]
  /** JSON pointers to redacted parts of the recording, which cannot be compared. */
  readonly skipped: readonly string[]
  /** The text for people, safe to print on a terminal. */
  toString(): string
}

/** Options of {@link diff}. */
export interface DiffOptions {
  /**
   * JSON pointers to values that may differ, including everything below: `/headers/date`. A segment `*` matches any one
   * field or index.
   * @default none
   */
  readonly ignore?: readonly string[] | undefined
}

/** An outcome in the form of records, replays and fixtures. */
export type Comparable =
  | {
      readonly kind: 'value'
      readonly value?: unknown
      readonly valueBase64?: string | undefined
      readonly body?: Uint8Array | undefined
    }
  | { readonly kind: 'error'; readonly error: LambdaError }
  | { readonly kind: 'declined'; readonly reason: string }

/**
 * Compares the outcome of a record, or of a fixture that is a whole record, with the outcome of a replay. Compares
 * responses as JSON, including a JSON `body` inside an HTTP response (`statusCode`). Compares only type and message of
 * errors.
 * @throws TetherError `INVALID_OPTION`, also for a record without an outcome
 */
export function diff(
  record: { readonly outcome?: Comparable | undefined; readonly redacted?: readonly string[] | undefined },
  outcome: Comparable,
  options: DiffOptions = {},
): Diff {
  mustBe('a record', isObject(record), 'record', record)
  if (record.outcome === undefined)
    throw invalidOption(
      'record',
      'has no outcome: its invocation was still running, or its session closed before',
    )
  checkOutcome('record.outcome', record.outcome)
  checkOutcome('outcome', outcome)
  const { ignore = [] } = checkOptions<DiffOptions>('diff', options, {
    ignore: listOf('a list of JSON pointers', checkPointer),
  })
  const [before, after] = [comparableOf(record.outcome), comparableOf(outcome)]
  const { changes, skipped } =
    record.outcome.kind === outcome.kind
      ? changesBetweenValues(before, after, {
          ignores: pointerMatcher(ignore),
          redacted: (record.redacted ?? []).length > 0,
        })
      : { changes: [{ path: '', kind: 'changed' as const, before, after }], skipped: [] }
  const equal = changes.length === 0
  return { equal, changes, skipped, toString: () => diffText(changes, skipped) }
}

const checkPointer = matching(/^(?:\/|$)/, "a JSON pointer such as '/headers/date'")

function checkOutcome(name: string, outcome: unknown): void {
  const kind = (outcome as Comparable | null | undefined)?.kind
  mustBe('an outcome: { kind, … }', ['value', 'error', 'declined'].includes(kind as string), name, outcome)
}

function comparableOf(outcome: Comparable): unknown {
  if (outcome.kind === 'declined') return { declined: outcome.reason }
  // A trace contains line numbers and paths, which differ after every edit.
  if (outcome.kind === 'error') {
    const { errorType, errorMessage } = outcome.error
    return { errorType, errorMessage }
  }
  if (outcome.value !== undefined) return withParsedBody(outcome.value)
  return outcome.valueBase64 ?? (outcome.body && Buffer.from(outcome.body).toString('base64'))
}

function withParsedBody(value: unknown): unknown {
  const { statusCode, body, isBase64Encoded } = (isObject(value) ? value : {}) as Record<string, unknown>
  if (statusCode === undefined || typeof body !== 'string') return value
  try {
    const text = isBase64Encoded === true ? Buffer.from(body, 'base64').toString('utf8') : body
    return { ...(value as object), body: JSON.parse(text) as unknown }
  } catch {
    return value
  }
}
