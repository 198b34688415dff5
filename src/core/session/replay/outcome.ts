import { type LambdaError, TetherError, toLambdaError } from '../../base/errors.js'
import { jsonValue } from '../../base/json.js'
import type { Answer } from '../../contracts/executor.js'

/** How a replay ended: with an outcome of its function, or with the error of who ended it. */
export type ReplayEnd = Answer | { readonly kind: 'declined'; readonly reason: string } | TetherError

/**
 * The outcome of a replay: the response's JSON, parsed when first read (undefined where it is no JSON); the function's error; or
 * why the session does not run the function.
 */
export type ReplayOutcome = {
  /** JSON pointers of what the record's event and context lack because it was redacted. */
  readonly redacted: readonly string[]
} & (
  | { readonly kind: 'value'; readonly body: Uint8Array; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: LambdaError }
  | { readonly kind: 'declined'; readonly reason: string }
)

/** The end of an invocation as the caller of a replay gets it. A deadline is an outcome, as it is on Lambda. */
export function replayEnd(
  how: TetherError | string,
  ending: Answer | { readonly kind: 'decline'; readonly reason: string } | undefined,
): ReplayEnd {
  if (ending?.kind === 'decline') return { kind: 'declined', reason: ending.reason }
  if (how instanceof TetherError && how.code !== 'DEADLINE') return how
  return ending ?? { kind: 'error', error: toLambdaError(how) }
}

/** @throws TetherError where somebody ended the replay */
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
