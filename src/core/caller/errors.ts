import { TetherError } from '../base/errors.js'
import type { CallerOptions, CallInput } from './options.js'
import type { Wire } from './wire.js'

/** What may end a call without an answer, in words for whoever reads the function's log. */
export class CallErrors {
  readonly #input: CallInput
  readonly #options: CallerOptions
  readonly #wire: Pick<Wire, 'explain' | 'lastError'>

  constructor(input: CallInput, options: CallerOptions, wire: Pick<Wire, 'explain' | 'lastError'>) {
    this.#input = input
    this.#options = options
    this.#wire = wire
  }

  deadline(state: 'running' | 'connecting' | 'unheard', leftMs: number): TetherError {
    const { functionId, remainingMs } = this.#input
    const { session } = this.#options
    const was = {
      running: `was still running in session '${session}'`,
      connecting: 'was still waiting for a connection to the broker',
      unheard: `had no answer from session '${session}'`,
    }[state]
    const left = `${Math.max(0, Math.round(leftMs))} ms of its ${Math.round(remainingMs)} ms were left`
    return new TetherError(
      'DEADLINE',
      `Function '${functionId}' ${was} when ${left}. Raise the function's time-out while you develop.${this.#wire.explain()}`,
      { cause: state === 'running' ? undefined : this.#wire.lastError() },
    )
  }

  noSession(silenceMs: number): TetherError {
    const { session, app, stage } = this.#options
    return new TetherError(
      'NO_SESSION',
      `No session '${session}' of '${app}' in stage '${stage}' answered within ${Math.round(silenceMs)} ms. Start one, or restore the function's own code.${this.#wire.explain()}`,
    )
  }

  absent(cause: TetherError): TetherError {
    const { session, app, stage } = this.#options
    return new TetherError(
      'NO_SESSION',
      `No session '${session}' of '${app}' in stage '${stage}' is connected. Start one, or restore the function's own code.`,
      { cause, details: cause.details },
    )
  }

  closed(): TetherError {
    const { session, app, stage } = this.#options
    return new TetherError(
      'NO_SESSION',
      `Session '${session}' of '${app}' in stage '${stage}' was closed. Start one, or restore the function's own code.`,
    )
  }

  unreachable(waitedMs: number): TetherError {
    const cause = this.#wire.lastError()
    const why = cause === undefined ? '.' : `: ${cause.message}`
    return new TetherError(
      'UNREACHABLE',
      `The broker could not be reached within ${Math.round(waitedMs)} ms${why}`,
      { cause },
    )
  }

  restarted(): TetherError {
    return new TetherError(
      'SESSION_LOST',
      `Session '${this.#options.session}' was restarted while it ran function '${this.#input.functionId}', and 'onSessionLost' is 'fail'.`,
    )
  }

  successorDeclined(reason: string): TetherError {
    return new TetherError(
      'SESSION_LOST',
      `Session '${this.#options.session}' was replaced while it ran function '${this.#input.functionId}', and its successor declined: ${reason}.`,
    )
  }

  declined(reason: string): TetherError {
    return new TetherError(
      'DECLINED',
      `Session '${this.#options.session}' declined the invocation: ${reason}.`,
    )
  }
}
