import { TetherError, throwIfAborted } from '../../base/errors.js'
import type { Answer } from '../../contracts/executor.js'
import type { Desk } from '../desk.js'
import { replayLocally } from './local-replay.js'
import { type ReplayOnSaveOptions, SavedReplay } from './on-save.js'
import { outcomeOfReplay, type ReplayOutcome } from './outcome.js'
import { type Replayable, type ReplayOptions, type ReplayRequest, replayRequest } from './request.js'

/** A call of a real function; see `ReplayRequest`. */
export type RemoteCall = Omit<ReplayRequest, 'as' | 'functionId' | 'redacted'>

export interface ReplaysOptions {
  readonly desk: Desk
  /**
   * Calls the real function; passed in because the core knows no AWS.
   * @throws TetherError `UNREACHABLE`, `MISSING_DEPENDENCY`, `ABORTED`
   */
  invokeRemotely(call: RemoteCall): Promise<Answer>
  state(): 'new' | 'opening' | 'open' | 'closing'
}

/** A session's replays. */
export class Replays {
  readonly #options: ReplaysOptions
  readonly #onSave = new Set<SavedReplay>()

  constructor(options: ReplaysOptions) {
    this.#options = options
  }

  /** See `Session.replay`. */
  async replay(record: Replayable, options: ReplayOptions): Promise<ReplayOutcome> {
    const request = replayRequest(record, options)
    throwIfAborted(request.signal)
    const { desk, state } = this.#options
    if (state() === 'closing') throw new TetherError('CLOSED', 'This session was closed; make another.')
    if (request.as === 'remote') {
      const { as: _as, functionId: _id, redacted, ...call } = request
      return outcomeOfReplay(await this.#options.invokeRemotely(call), redacted)
    }
    if (state() !== 'open')
      throw new TetherError('CLOSED', 'The session is not open. Await session.open() before replay().')
    return outcomeOfReplay(await replayLocally(desk, request), request.redacted)
  }

  /** See `Session.replayOnSave`. */
  onSave(record: Replayable, options: ReplayOnSaveOptions): Disposable {
    const { emitter } = this.#options.desk
    const saved = new SavedReplay({
      record,
      options,
      replay: (...args) => this.replay(...args),
      failed: (error) => emitter.emitNow('status', { state: 'listener-failed', event: 'onOutcome', error }),
    })
    this.#onSave.add(saved)
    return {
      [Symbol.dispose]: () => {
        this.#onSave.delete(saved)
        saved.stop()
      },
    }
  }

  /** Called after a function was reloaded, or failed to. */
  reloaded(functionId: string, error: TetherError | undefined): void {
    for (const saved of this.#onSave) if (saved.functionId === functionId) void saved.reloaded(error)
  }

  /** Reloads run nothing from now on; present runs finish. */
  close(): void {
    this.#onSave.clear()
  }
}
