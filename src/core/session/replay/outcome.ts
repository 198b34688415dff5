import { type LambdaError, TetherError, toLambdaError } from '../../base/errors.js'
import { jsonValue } from '../../base/json.js'
import type { Answer } from '../../contracts/executor.js'

/** The end of a replay: the outcome of its function, or the error that ended the replay. */
export type ReplayEnd = Answer | { readonly kind: 'declined'; readonly reason: string } | TetherError

/**
 * The outcome of a replay: the response's JSON, parsed on first read (undefined if it is not JSON); the function's
 * error; or the reason why the session does not run the function.
 */
export type ReplayOutcome = {
  /** JSON pointers to the parts that redaction removed from the record's event and context. */
  readonly redacted: readonly string[]
} & (
  | { readonly kind: 'value'; readonly body: Uint8Array; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: LambdaError }
  | { readonly kind: 'declined'; readonly reason: string }
)

/** Converts the end of an invocation for the caller of a replay. A deadline is an outcome, as on Lambda. */
export function replayEnd(
  how: TetherError | string,
  ending: Answer | { readonly kind: 'decline'; readonly reason: string } | undefined,
): ReplayEnd {
  if (ending?.kind === 'decline') return { kind: 'declined', reason: ending.reason }
  if (how instanceof TetherError && how.code !== 'DEADLINE') return how
  return ending ?? { kind: 'error', error: toLambdaError(how) }
}

/** @throws TetherError if the replay was ended from outside */
export function outcomeOfReplay(end: ReplayEnd, redacted: readonly string[]): ReplayOutcome {
  if (end instanceof TetherError) throw end
  return end.kind === 'value' ? new ReplayedValue(end.body, redacted) : { ...end, redacted }
}

class ReplayedValue {
  readonly kind = 'value'
  #value: { readonly of: unknown } | undefined

  constructor(
    readonly body: Uint8Array,
    readonly redacted: readonly string[],
  ) {}

  get value(): unknown {
    this.#value ??= { of: jsonValue(this.body) }
    return this.#value.of
  }
}
