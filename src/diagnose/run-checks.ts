import { onAbort } from '../core/base/abort.js'
import type { Clock } from '../core/base/clock.js'
import { TetherError, throwIfAborted } from '../core/base/errors.js'
import { printable } from '../core/base/printable.js'
import type { Finding, TransportCheck } from '../core/contracts/diagnosis.js'
import type { DiagnosisCheck } from './diagnosis.js'

/** Options of {@link CheckRun}. */
export interface CheckRunOptions {
  readonly clock: Clock
  /** Limit for each check, in milliseconds. */
  readonly checkTimeoutMs: number
  readonly onCheck?: ((check: DiagnosisCheck) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** The value of an attempt, or the finding if it failed. */
export type Attempted<T> = { readonly value: T } | { readonly finding: Finding }

/** Runs checks one after the other. Limits the time of each, and skips a check if one of its needs has failed. */
export class CheckRun {
  readonly checks: DiagnosisCheck[] = []
  readonly #options: CheckRunOptions

  constructor(options: CheckRunOptions) {
    this.#options = options
  }

  /** Returns a check by its id, if it has run. */
  found(id: string): DiagnosisCheck | undefined {
    return this.checks.find((check) => check.id === id)
  }

  /** Runs one check. @param late the text of the finding after a timeout @throws TetherError `ABORTED` */
  async make({ id, needs = [], run }: TransportCheck, late?: string): Promise<DiagnosisCheck> {
    throwIfAborted(this.#options.signal)
    const broken = this.brokenOf(needs)
    if (broken !== undefined) return this.skip(id, broken)
    const made = await this.attempt(run, late)
    return this.tell(id, 'value' in made ? made.value : made.finding)
  }

  /** Adds a skipped check. @param after the failed check that it depends on */
  skip(id: string, after: string): DiagnosisCheck {
    return this.tell(id, { outcome: 'skipped', seen: `Rests on '${after}'.`, details: { after } })
  }

  /** Adds a finding. */
  tell(id: string, finding: Finding): DiagnosisCheck {
    const check = { id, ...finding }
    this.checks.push(check)
    this.#options.onCheck?.(check)
    return check
  }

  /** Returns the failed check among those ids, or the failed check behind a skipped one. */
  brokenOf(needs: readonly string[]): string | undefined {
    for (const id of needs) {
      const check = this.found(id)
      if (check?.outcome === 'failed') return id
      if (check?.outcome === 'skipped') return String(check.details?.after)
    }
    return undefined
  }

  /** Does work within the time limit of a check, even if the work ignores the signal. @throws TetherError `ABORTED` */
  async attempt<T>(work: (signal: AbortSignal) => Promise<T>, late = 'No answer'): Promise<Attempted<T>> {
    const { clock, checkTimeoutMs, signal } = this.#options
    throwIfAborted(signal)
    const limit = new AbortController()
    const unlisten = onAbort(signal, () => limit.abort())
    const cancel = clock.schedule(checkTimeoutMs, () => limit.abort())
    try {
      return { value: await Promise.race([work(limit.signal), rejectionBy(limit.signal)]) }
    } catch (error) {
      throwIfAborted(signal)
      if (!limit.signal.aborted) return { finding: failedBy(error) }
      const seen = `${late} within ${checkTimeoutMs.toLocaleString('en-US')} ms.`
      return { finding: { outcome: 'failed', seen } }
    } finally {
      cancel()
      unlisten()
      limit.abort()
    }
  }
}

/** Returns the finding for an error. */
export function failedBy(error: unknown): Finding {
  const { message } = (error ?? {}) as Partial<Error>
  const seen = printable(message ?? error)
  return error instanceof TetherError
    ? { outcome: 'failed', seen, details: { code: error.code, ...error.details } }
    : { outcome: 'failed', seen }
}

function rejectionBy(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    onAbort(signal, () => reject(signal.reason as Error))
  })
}
