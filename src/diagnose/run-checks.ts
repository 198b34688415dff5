import { onAbort } from '../core/base/abort.js'
import type { Clock } from '../core/base/clock.js'
import { TetherError, throwIfAborted } from '../core/base/errors.js'
import { printable } from '../core/base/printable.js'
import type { Finding, TransportCheck } from '../core/contracts/diagnosis.js'
import type { DiagnosisCheck } from './diagnosis.js'

/** How checks are made. */
export interface CheckRunOptions {
  readonly clock: Clock
  /** For each check, in milliseconds. */
  readonly checkTimeoutMs: number
  readonly onCheck?: ((check: DiagnosisCheck) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What came of an attempt, or how it failed. */
export type Attempted<T> = { readonly value: T } | { readonly finding: Finding }

/** Makes checks one after the other. Each has a limited time, and none is made after one that it needs has failed. */
export class CheckRun {
  readonly checks: DiagnosisCheck[] = []
  readonly #options: CheckRunOptions

  constructor(options: CheckRunOptions) {
    this.#options = options
  }

  /** What a check has found, if it was made. */
  found(id: string): DiagnosisCheck | undefined {
    return this.checks.find((check) => check.id === id)
  }

  /** Makes one check. @param late what is seen where it takes too long @throws TetherError `ABORTED` */
  async make({ id, needs = [], run }: TransportCheck, late?: string): Promise<DiagnosisCheck> {
    throwIfAborted(this.#options.signal)
    const broken = this.brokenOf(needs)
    if (broken !== undefined) return this.skip(id, broken)
    const made = await this.attempt(run, late)
    return this.tell(id, 'value' in made ? made.value : made.finding)
  }

  /** Adds a check that is not made. @param after the one that it rests on */
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

  /** The check that has failed of those, or of those that they rest on. */
  brokenOf(needs: readonly string[]): string | undefined {
    for (const id of needs) {
      const check = this.found(id)
      if (check?.outcome === 'failed') return id
      if (check?.outcome === 'skipped') return String(check.details?.after)
    }
    return undefined
  }

  /** Does something in a check's time, however long it takes. @throws TetherError `ABORTED` */
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

/** A finding of what was thrown. */
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
