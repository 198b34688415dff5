import { type TetherError, toLambdaError } from '../../base/errors.js'
import { checkFunction } from '../../base/option-checks.js'
import { checkOptions } from '../../base/options.js'
import type { ReplayOutcome } from './outcome.js'
import { editChecks, type Replayable, type ReplayEdit, type ReplayOptions } from './request.js'

/** Options of `session.replayOnSave`. */
export interface ReplayOnSaveOptions extends ReplayEdit {
  /**
   * Called with each outcome, including the error of a failed reload. Not called for a run that a newer save ended.
   * @default only the `respond` and `fail` events
   */
  readonly onOutcome?: ((outcome: ReplayOutcome) => unknown) | undefined
}

/** The parts of the session that it needs. */
export interface SavedReplayOptions {
  readonly record: Replayable
  readonly options: ReplayOnSaveOptions
  replay(record: Replayable, options: ReplayOptions): Promise<ReplayOutcome>
  /** Reports an exception of `onOutcome`. */
  failed(error: unknown): void
}

/** Runs one recorded invocation again after each reload of its function: one run at a time, for the newest save. */
export class SavedReplay {
  readonly functionId: string
  readonly #given: SavedReplayOptions
  #running: AbortController | undefined

  /** @throws TetherError `INVALID_OPTION` */
  constructor(given: SavedReplayOptions) {
    checkOptions<ReplayOnSaveOptions>('replayOnSave', given.options, {
      ...editChecks,
      onOutcome: checkFunction,
    })
    this.functionId = given.record.functionId
    this.#given = given
  }

  /** @param error the error of a failed reload */
  async reloaded(error: TetherError | undefined): Promise<void> {
    this.stop()
    const { record, options, replay, failed } = this.#given
    const { onOutcome, ...edit } = options
    const running = new AbortController()
    this.#running = running
    const outcome =
      error === undefined
        ? await replay(record, { ...edit, signal: running.signal }).catch(failureOf)
        : failureOf(error)
    if (running.signal.aborted) return
    this.#running = undefined
    try {
      await onOutcome?.(outcome)
    } catch (thrown) {
      failed(thrown)
    }
  }

  /** Ends the present run. */
  stop(): void {
    this.#running?.abort()
    this.#running = undefined
  }
}

function failureOf(error: unknown): ReplayOutcome {
  return { kind: 'error', error: toLambdaError(error), redacted: [] }
}
