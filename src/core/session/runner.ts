import { url as inspectorUrl } from 'node:inspector'
import type { Clock } from '../base/clock.js'
import { partOf, type Trace, traced, traceOf } from '../base/diagnostics.js'
import { abortError, TetherError, toLambdaError } from '../base/errors.js'
import type { Executor, LogEntry, Outcome, Task } from '../contracts/executor.js'
import type { Outcomes } from './answers.js'
import type { SessionEmitter } from './events.js'
import type { FunctionTable, Slot } from './functions.js'
import type { Answer, Invocation } from './invocation.js'
import type { Entry } from './ledger.js'
import type { Waiters } from './waiters.js'

export interface RunnerOptions {
  readonly clock: Clock
  readonly emitter: SessionEmitter
  readonly waiters: Waiters
  readonly outcomes: Outcomes
  functions(): FunctionTable | undefined
}

/** A result that is ready by then is the acknowledgement. */
const ACK_DELAY_MS = 25

/** Has an invocation run: by whoever waits for it, by a listener, or by what is served. */
export class Runner {
  readonly #options: RunnerOptions

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  start(entry: Entry, invocation: Invocation): void {
    try {
      begin(entry, () => this.#dispatch(entry, invocation))
    } catch (error) {
      this.fail(entry, error)
    }
  }

  /** Ends an invocation that could not be started. */
  fail(entry: Entry, error: unknown): void {
    const answer: Answer = { kind: 'error', error: toLambdaError(error) }
    begin(entry, () => void this.#options.outcomes.settle(entry, answer))
  }

  /** Has the acknowledgement leave when its answer has not. */
  ackSoon(entry: Entry): void {
    if (entry.acked) return
    entry.acked = true
    const { clock, outcomes } = this.#options
    entry.timers.add(clock.schedule(ACK_DELAY_MS, () => void outcomes.acknowledge(entry)))
  }

  #dispatch(entry: Entry, invocation: Invocation): void {
    const { emitter, waiters } = this.#options
    // Before they are called: a listener that hears once is gone afterwards.
    const listened = emitter.listenerCount('invoke') > 0
    // Without its event it is of use to nobody but who listens.
    const whole = invocation.mirrored !== 'metadata'
    if (whole && waiters.offer(invocation)) entry.taken = true
    emitter.emit('invoke', invocation)
    if (invocation.settled) return
    if (!whole && !entry.taken) return this.#options.outcomes.dismiss(entry)
    const functions = this.#options.functions()
    if (!entry.taken && functions !== undefined) {
      const slot = functions.find(invocation.functionId)
      if (slot === undefined) return this.#options.outcomes.decline(entry)
      entry.taken = true
      void this.#run(entry, invocation, slot)
      return
    }
    if (entry.taken || listened) {
      entry.taken = true
      return this.ackSoon(entry)
    }
    throw new TetherError(
      'NO_HANDLER',
      `The session received an invocation of '${invocation.functionId}', but serves nothing and has no 'invoke' listener. Call session.serve() or session.on('invoke', …).`,
    )
  }

  async #run(entry: Entry, invocation: Invocation, slot: Slot): Promise<void> {
    const { executor } = slot
    // Code on this event loop, or a debugger, may keep the acknowledgement from leaving later. A function that has
    // always been quick is trusted to be so again: its answer is its acknowledgement.
    const mayBlock = executor.sharesEventLoop === true && !slot.quick
    if (mayBlock || inspectorUrl() !== undefined) await this.#options.outcomes.acknowledge(entry)
    else this.ackSoon(entry)
    // What its acknowledgement waited for says nothing of the code.
    const startedAt = this.#options.clock.now()
    try {
      const outcome = await this.#execute(invocation, slot, entry.trace)
      slot.quick = this.#options.clock.now() - startedAt < ACK_DELAY_MS
      await this.#options.outcomes.settle(entry, answerOf(outcome, executor))
    } catch (error) {
      // Stopped by the invocation's own signal: whoever fired it has said so.
      if (entry.state === 'running')
        await this.#options.outcomes.settle(entry, { kind: 'error', error: toLambdaError(error) })
    }
  }

  async #execute(invocation: Invocation, { executor, build }: Slot, parent?: Trace): Promise<Outcome> {
    const { id, functionId, environmentId, eventBytes, context, env, deadline, signal } = invocation
    const current = await build(parent?.context)
    const task: Task = {
      functionId,
      environmentId,
      build: current,
      event: eventBytes,
      context,
      env: { ...env, SST_LIVE: 'true', LAMBDA_TETHER: 'true' },
      deadline,
      onLog: (line: LogEntry) => {
        this.#options.emitter.emit('log', {
          ...line,
          functionId,
          environmentId,
          invocationId: id,
          requestId: context.awsRequestId,
        })
      },
    }
    if (signal.aborted) throw abortError(signal)
    const trace = traceOf('execute', () => partOf(parent?.context, { functionId, executor: executor.name }))
    const held = current.hold?.()
    try {
      return await traced(trace, () => executor.execute(task, { signal }), errorTypeOf)
    } finally {
      held?.[Symbol.dispose]()
    }
  }
}

/** Where somebody listens, what the work leads to is part of the invocation. */
function begin(entry: Entry, work: () => void): void {
  if (entry.trace === undefined) work()
  else entry.trace.run(work)
}

function errorTypeOf(outcome: Outcome): string | undefined {
  return outcome.kind === 'error' ? outcome.error.errorType : undefined
}

function answerOf(outcome: Outcome, executor: Executor): Answer {
  if (outcome.kind === 'value' && outcome.body instanceof Uint8Array) return outcome
  if (outcome.kind === 'error') return outcome
  const answered = outcome.kind === 'stream' ? 'a stream; responses are buffered for now' : 'no bytes'
  const error = new TetherError('UNSUPPORTED', `Executor '${executor.name}' answered with ${answered}.`)
  return { kind: 'error', error: toLambdaError(error) }
}
