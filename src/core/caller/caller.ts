import { type Clock, systemClock } from '../base/clock.js'
import { defined } from '../base/defined.js'
import { isTraced, traced, traceOf } from '../base/diagnostics.js'
import { TetherError } from '../base/errors.js'
import { RandomIds } from '../base/random-ids.js'
import { setImmediate } from '../base/timers.js'
import type { Mirrored } from '../wire/protocol.js'
import type { CallOutcome } from './call-state.js'
import { Calls } from './calls.js'
import { notWaited, toError } from './failure.js'
import type { CallerOptions, CallInput } from './options.js'
import type { SessionLine } from './session-line.js'

// An idle connection may have been dropped, and nothing said so to a frozen process. Shorter than any broker's
// or NAT's patience, longer than a busy function's pauses.
const STALE_AFTER_MS = 60_000

/** The stub's side of invocations: one for each execution environment. */
export class Caller {
  readonly #options: CallerOptions
  readonly #clock: Clock
  readonly #ids = new RandomIds()
  /** The environment's random id. */
  readonly #name = this.#ids.next()
  readonly #calls: Calls
  readonly #line: SessionLine
  #closed = false

  /** Made at the first invocation: until then a snapshot of the process holds no identity. */
  constructor(options: CallerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#calls = new Calls(options, this.#name, this.#clock)
    this.#line = this.#calls.line
  }

  /**
   * Runs one invocation in the session.
   * @param onAcknowledged told when a session says that it has it; perhaps more than once
   * @throws TetherError `NO_SESSION`, `UNREACHABLE`, `DECLINED`, `SESSION_LOST`, `DEADLINE`
   */
  async call(input: CallInput, onAcknowledged?: () => void): Promise<CallOutcome> {
    this.connect()
    const id = this.#ids.next()
    if (this.#nobody(input) !== undefined) {
      // What has come since a frozen process was thawed is read first.
      await new Promise(setImmediate)
      const error = this.#nobody(input)
      if (error !== undefined) {
        // Asked in the background: the next invocation will know whether somebody is there by now.
        void this.#line.inquire(id)
        throw error
      }
    }
    if (isTraced('call')) return this.#traced(id, input, onAcknowledged)
    return this.#calls.run(id, input, undefined, onAcknowledged)
  }

  /**
   * Sends the session a copy of what the function itself answers, once; one that was under way when the process was
   * frozen is dropped. Resolves when it has left.
   * @throws what the transport throws; `ABORTED` when it was dropped
   */
  async mirror(input: CallInput, mirrored: Mirrored): Promise<void> {
    this.#calls.tellAll({ type: 'wake' })
    this.connect()
    await this.#calls.run(this.#ids.next(), input, mirrored)
  }

  /** Connects in the background, or anew where the connection may have died unseen. @throws TetherError `CLOSED` */
  connect(): void {
    if (this.#closed) throw new TetherError('CLOSED', 'The stub was closed.')
    const { link } = this.#line
    const idleMs = this.#clock.now() - link.activeAt
    // Less than none: the clock was set back, and says nothing.
    if (link.connected && Math.abs(idleMs) > STALE_AFTER_MS) link.replace()
    link.start()
    if (!link.connected) this.#line.connectAtOnce().catch(() => {})
  }

  /** Closes the connection; for tests and for hosts that end in an orderly way. */
  async close(): Promise<void> {
    this.#closed = true
    this.#calls.tellAll({ type: 'stub closed' })
    await this.#line.link.stop()
  }

  #traced(id: string, input: CallInput, onAcknowledged?: () => void): Promise<CallOutcome> {
    const { functionId, context } = input
    const { awsRequestId: requestId, traceId } = context
    const { session } = this.#options
    const about = { invocationId: id, functionId, requestId, traceId, session, environmentId: this.#name }
    const trace = traceOf('call', () => defined(about))
    return traced(trace, () => this.#calls.run(id, input, undefined, onAcknowledged), errorTypeOf)
  }

  /** Why there is no use in waiting for a session, where that is known. */
  #nobody(input: CallInput): TetherError | undefined {
    const { link, watch } = this.#line
    const about = { input, options: this.#options }
    if (watch.closed && link.connected) return toError({ why: 'closed' }, about, this.#line)
    return watch.failedWait && notWaited(watch.failedWait, about, this.#line)
  }
}

function errorTypeOf(outcome: CallOutcome): string | undefined {
  return outcome.kind === 'error' ? outcome.error.errorType : undefined
}
