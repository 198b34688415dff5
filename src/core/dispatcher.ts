import { url as inspectorUrl } from 'node:inspector'
import type { Clock } from './clock.js'
import { Environments } from './environments.js'
import { abortError, TetherError, toLambdaError } from './errors.js'
import type { SessionEmitter } from './events.js'
import type { Executor, Outcome } from './executor.js'
import type { FunctionTable, Slot } from './function-table.js'
import { type Answer, Invocation } from './invocation.js'
import { type Entry, Ledger } from './ledger.js'
import type { InvokeMessage, SessionMessage, StubMessage } from './protocol.js'
import { limitAnswer } from './response-limit.js'
import type { Waiters } from './waiters.js'

export interface DispatcherOptions {
  readonly identity: { readonly session: string }
  readonly clock: Clock
  readonly maxKeptBytes: number
  readonly emitter: SessionEmitter
  readonly waiters: Waiters
  functions(): FunctionTable | undefined
  send(to: string, message: SessionMessage): Promise<void>
}

/** A result that is ready by then is the acknowledgement. */
const ACK_DELAY_MS = 25
/** A message whose parts stopped coming for this long has lost one: the stub sends it again. */
const PARTS_STALL_MS = 1_000

/** What a session does with what stubs say: at most one execution of each invocation. */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #ledger: Ledger
  readonly #environments = new Environments()
  readonly #receiving = new Map<string, number>()
  readonly #openedAt: number
  #closing = false
  #onIdle: (() => void) | undefined

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#ledger = new Ledger(options.clock, options.maxKeptBytes)
    this.#openedAt = options.clock.now()
  }

  receive(message: StubMessage, from: string): void {
    this.#ledger.settle(message.settled, from)
    if (message.type === 'invoke') return this.#onInvoke(message, from)
    const entry = this.#ledger.get(message.id)
    if (entry !== undefined && entry.from !== from) return
    if (message.type === 'cancel') return this.#onCancel(entry, message.reason)
    if (entry !== undefined) return this.#answerAgain(entry)
    const lastPartAt = this.#receiving.get(message.id) ?? Number.NEGATIVE_INFINITY
    const arriving = this.#options.clock.now() - lastPartAt < PARTS_STALL_MS
    this.#reply(from, { type: arriving ? 'ack' : 'unknown', id: message.id })
  }

  /** A part of an invocation has arrived, its first among those before: it is acknowledged before the last. */
  receiving(id: string, from: string): void {
    const now = this.#options.clock.now()
    const known = this.#receiving.has(id) || this.#ledger.get(id) !== undefined
    this.#receiving.set(id, now)
    for (const [old, at] of this.#receiving) if (at < now - 60_000) this.#receiving.delete(old)
    if (!known && !this.#closing) this.#reply(from, { type: 'ack', id })
  }

  /** Declines what comes from now on; resolves when nothing runs, or at once when the signal fires. */
  async drain(signal: AbortSignal | undefined): Promise<void> {
    this.#closing = true
    const stop = () => {
      for (const entry of this.#ledger.running()) {
        this.#abort(entry, new TetherError('CLOSED', 'The session was closed before local code answered.'))
      }
    }
    if (signal?.aborted) stop()
    if (this.#ledger.idle) return
    signal?.addEventListener('abort', stop, { once: true })
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
    signal?.removeEventListener('abort', stop)
  }

  #onInvoke(message: InvokeMessage, from: string): void {
    this.#receiving.delete(message.id)
    const known = this.#ledger.get(message.id)
    if (known !== undefined) return known.from === from ? this.#answerAgain(known) : undefined
    if (this.#closing) {
      return this.#reply(from, { type: 'decline', id: message.id, reason: 'the session is closing' })
    }
    const env = this.#environments.variables(from, message.envFingerprint, message.env)
    if (env === undefined) return this.#reply(from, { type: 'need', id: message.id })
    const entry = this.#enter(message, from, env)
    try {
      this.#dispatch(entry)
    } catch (error) {
      this.#settle(entry, { kind: 'error', error: toLambdaError(error) })
    }
  }

  #enter(message: InvokeMessage, from: string, env: Readonly<Record<string, string>>): Entry {
    const { clock, identity } = this.#options
    const now = clock.now()
    const abort = new AbortController()
    const data = {
      id: message.id,
      functionId: message.functionId,
      environmentId: from,
      eventBytes: message.event,
      context: message.context,
      env,
      // Another session had it, or could have had it before this one began.
      rerun:
        (message.ackedBy !== undefined && message.ackedBy !== identity.session) ||
        message.ageMs > now - this.#openedAt,
      deadline: now + message.remainingMs,
      signal: abort.signal,
    }
    const invocation: Invocation = new Invocation(data, {
      now: () => clock.now(),
      settled: () => entry.state !== 'running',
      acknowledge: () => {
        entry.taken = true
        this.#ackSoon(entry)
      },
      settle: (answer) => this.#settle(entry, answer),
    })
    const entry: Entry = {
      invocation,
      from,
      startedAt: now,
      abort,
      taken: false,
      acked: false,
      state: 'running',
      answerBytes: 0,
      sending: false,
      timers: new Set(),
    }
    this.#ledger.add(entry)
    const cancel = clock.schedule(message.remainingMs, () => {
      this.#abort(
        entry,
        new TetherError(
          'DEADLINE',
          `Invocation ${message.id} of '${message.functionId}' had ${Math.round(message.remainingMs)} ms when it arrived and no answer by then.`,
        ),
      )
    })
    entry.timers.add(cancel)
    return entry
  }

  #dispatch(entry: Entry): void {
    const { emitter, waiters } = this.#options
    const { invocation } = entry
    if (waiters.offer(invocation)) entry.taken = true
    emitter.emit('invoke', invocation)
    if (invocation.settled) return
    const functions = this.#options.functions()
    if (!entry.taken && functions !== undefined) {
      const slot = functions.find(invocation.functionId)
      if (slot === undefined) return this.#decline(entry)
      entry.taken = true
      void this.#run(entry, slot)
      return
    }
    if (entry.taken || emitter.listenerCount('invoke') > 0) {
      entry.taken = true
      return this.#ackSoon(entry)
    }
    throw new TetherError(
      'NO_HANDLER',
      `The session received an invocation of '${invocation.functionId}', but serves nothing and has no 'invoke' listener. Call session.serve() or session.on('invoke', …).`,
    )
  }

  async #run(entry: Entry, { executor, build }: Slot): Promise<void> {
    const { invocation } = entry
    // Code on this event loop, or a debugger, may keep the acknowledgement from leaving later.
    if (executor.sharesEventLoop || inspectorUrl() !== undefined) await this.#ackNow(entry)
    else this.#ackSoon(entry)
    try {
      const outcome = await this.#execute(invocation, executor, build)
      await this.#settle(entry, answerOf(outcome, executor))
    } catch (error) {
      // Stopped by the invocation's own signal: whoever fired it has said so.
      if (entry.state === 'running') await this.#settle(entry, { kind: 'error', error: toLambdaError(error) })
    }
  }

  async #execute(invocation: Invocation, executor: Executor, build: Slot['build']): Promise<Outcome> {
    const { id, functionId, environmentId, eventBytes, context, env, deadline, signal } = invocation
    const task = {
      functionId,
      environmentId,
      build: await build(),
      event: eventBytes,
      context,
      env: { ...env, SST_LIVE: 'true', LAMBDA_TETHER: 'true' },
      deadline,
      onLog: (line: Parameters<Parameters<Executor['execute']>[0]['onLog']>[0]) => {
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
    return executor.execute(task, { signal })
  }

  #ackSoon(entry: Entry): void {
    if (entry.acked) return
    entry.acked = true
    entry.timers.add(this.#options.clock.schedule(ACK_DELAY_MS, () => void this.#ackNow(entry)))
  }

  async #ackNow(entry: Entry): Promise<void> {
    if (entry.state !== 'running') return
    entry.acked = true
    this.#options.emitter.emit('ack', entry.invocation)
    await this.#send(entry.from, { type: 'ack', id: entry.invocation.id })
  }

  async #settle(entry: Entry, given: Answer): Promise<void> {
    const { emitter, clock, identity } = this.#options
    const { invocation } = entry
    if (entry.state !== 'running') {
      emitter.emit('discard', {
        reason: 'late',
        message: `The outcome of invocation ${invocation.id} of '${invocation.functionId}' came after it had ended.`,
        from: entry.from,
      })
      return
    }
    const answer = limitAnswer(given)
    const about = { id: invocation.id, ...identity }
    const durationMs = clock.now() - entry.startedAt
    if (answer.kind === 'value') {
      this.#ledger.answer(entry, { type: 'result', ...about, body: answer.body }, answer.body.length)
      emitter.emit('respond', invocation, { bytes: answer.body.length, durationMs })
    } else {
      const bytes = Buffer.byteLength(JSON.stringify(answer.error))
      this.#ledger.answer(entry, { type: 'error', ...about, error: answer.error }, bytes)
      emitter.emit('fail', invocation, { error: answer.error, durationMs })
    }
    await this.#sendAnswer(entry)
  }

  async #sendAnswer(entry: Entry): Promise<void> {
    if (entry.answer === undefined || entry.sending) return
    entry.sending = true
    await this.#send(entry.from, entry.answer)
    entry.sending = false
    this.#checkIdle()
  }

  #answerAgain(entry: Entry): void {
    const { id } = entry.invocation
    if (entry.state === 'running' || entry.sending) return this.#reply(entry.from, { type: 'ack', id })
    if (entry.state === 'answered') return void this.#sendAnswer(entry)
    if (entry.state === 'evicted') {
      const error = toLambdaError(
        new TetherError(
          'RESULT_EVICTED',
          `Invocation ${id} has run, but its answer was dropped: more than ${this.#options.maxKeptBytes} bytes of answers waited for their stubs. Raise 'maxKeptBytes'.`,
        ),
      )
      this.#reply(entry.from, { type: 'error', id, error })
    }
  }

  #onCancel(entry: Entry | undefined, reason: string): void {
    if (entry === undefined) return
    if (entry.state === 'running') {
      this.#abort(entry, new TetherError('DEADLINE', `The stub gave up on invocation ${entry.invocation.id}: ${reason}`))
    } else {
      this.#ledger.end(entry)
    }
  }

  /** Ends what runs without an answer for the stub, which no longer waits. */
  #abort(entry: Entry, error: TetherError): void {
    if (entry.state !== 'running') return
    const { emitter, clock, identity } = this.#options
    const { invocation } = entry
    const durationMs = clock.now() - entry.startedAt
    if (error.code === 'CLOSED') {
      // The stub still waits, and gets to know at once.
      this.#ledger.answer(entry, { type: 'error', id: invocation.id, ...identity, error: toLambdaError(error) }, 0)
      void this.#sendAnswer(entry)
    } else {
      this.#ledger.end(entry)
    }
    entry.abort.abort(error)
    emitter.emit('fail', invocation, { error: toLambdaError(error), durationMs })
    this.#checkIdle()
  }

  #decline(entry: Entry): void {
    const { id, functionId } = entry.invocation
    this.#ledger.end(entry)
    this.#ledger.remove(entry)
    entry.abort.abort(new TetherError('DECLINED', `The session does not serve '${functionId}'.`))
    this.#reply(entry.from, { type: 'decline', id, reason: `it does not serve function '${functionId}'` })
  }

  #checkIdle(): void {
    if (this.#onIdle !== undefined && this.#ledger.idle) this.#onIdle()
  }

  #reply(to: string, message: WithoutIdentity<SessionMessage>): void {
    void this.#send(to, message)
  }

  // Never rejects: what could not be sent is asked for again.
  async #send(to: string, message: WithoutIdentity<SessionMessage>): Promise<void> {
    try {
      await this.#options.send(to, { ...message, ...this.#options.identity } as SessionMessage)
    } catch {
      // The link reports its state; the stub asks until it is answered.
    }
  }
}

type WithoutIdentity<M> = M extends unknown ? Omit<M, 'session'> : never

function answerOf(outcome: Outcome, executor: Executor): Answer {
  if (outcome.kind !== 'stream') return outcome
  const error = new TetherError(
    'UNSUPPORTED',
    `Executor '${executor.name}' answered with a stream; responses are buffered for now. Return a value instead.`,
  )
  return { kind: 'error', error: toLambdaError(error) }
}
