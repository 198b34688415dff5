import { randomUUID } from 'node:crypto'
import type { Cancel, Clock } from '../../core/base/clock.js'
import { deferred } from '../../core/base/deferred.js'
import { toLambdaError } from '../../core/base/errors.js'
import { setImmediate } from '../../core/base/timers.js'
import type { LogEntry } from '../../core/contracts/executor.js'
import type { Guard } from '../../executors/process/guard.js'
import { type RuntimeCommand, RuntimeProcess } from '../../executors/process/runtime-process.js'
import {
  errorAnswer,
  type RuntimeError,
  type RuntimeResponse,
  type RuntimeStream,
} from '../../executors/runtime-api/answer.js'
import { RuntimeApi, type RuntimeInvocation } from '../../executors/runtime-api/server.js'
import { type EndReason, endError } from './errors.js'
import type { ResponseBytes } from './streaming/bandwidth.js'

/** Between two invocations an environment is `frozen`, or `idle` if processes cannot be frozen. */
export type EnvironmentState = 'starting' | 'busy' | 'idle' | 'frozen' | 'ended'

/** Options of {@link ExecutionEnvironment}. */
export interface EnvironmentOptions {
  readonly guard: Guard
  readonly clock: Clock
  /** Whether to stop the process between invocations. */
  readonly freeze: boolean
  /** Returns the command that starts the runtime, given the value of `AWS_LAMBDA_RUNTIME_API`. */
  command(runtimeApi: string): RuntimeCommand
  /** `requestId` is the id of the invocation in progress, or of the invocation that the environment starts for. */
  onLog(entry: LogEntry, requestId: string | undefined): void
  onState(state: EnvironmentState, reason?: EndReason): void
  /** The runtime asked for the next invocation, and is frozen by now. */
  onIdle(): void
}

/** One invocation's response, from its first byte on. */
export interface Run {
  readonly contentType: string
  readonly bytes: ResponseBytes
  /** Time of its last byte, in Unix milliseconds; settles only once its bytes are read. */
  readonly answeredAt: Promise<number>
}

const LOG_TAIL_LENGTH = 4096
// A runtime asks for the next invocation at once; the caller gets its answer after that, and so finds this environment
// free.
const SETTLE_MS = 100

/** One Lambda sandbox: a process behind its own Runtime API, one invocation at a time, frozen in between. */
export class ExecutionEnvironment {
  readonly id = randomUUID()
  /** Resolves when the process and its whole group are gone. */
  readonly ended: Promise<EndReason>
  readonly #options: EnvironmentOptions
  readonly #api: RuntimeApi
  #state: EnvironmentState = 'starting'
  #process: RuntimeProcess | undefined
  #reason: EndReason | undefined
  #requestId: string | undefined
  #logTail = ''
  #invoked = false
  #resolveEnded: (reason: EndReason) => void = () => {}
  #onReady: () => void = () => {}
  #onInitError: (answer: RuntimeError) => void = () => {}

  constructor(options: EnvironmentOptions) {
    this.#options = options
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    this.#api = new RuntimeApi({
      // Output written before the runtime's request is read within this turn of the event loop, like the request.
      onIdle: () => setImmediate(() => this.#idle()),
      onInitError: (answer) => this.#onInitError(answer),
    })
  }

  get state(): EnvironmentState {
    return this.#state
  }

  /** Whether it can take an invocation, as far as is known. */
  get usable(): boolean {
    return this.#state !== 'ended' && this.#reason === undefined && this.#process?.gone !== true
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** The last 4 KB of the process's output for its latest invocation, its start included. */
  get logTail(): string {
    return this.#logTail
  }

  /**
   * Starts the runtime for the invocation of that id, and waits until the runtime asks for it. A failure ends the
   * environment; the promise resolves with it.
   */
  async init(requestId: string, limitMs: number): Promise<RuntimeError | undefined> {
    this.#requestId = requestId
    await this.#api.open()
    const ready = new Promise<undefined>((resolve) => {
      this.#onReady = () => resolve(undefined)
    })
    const failed = new Promise<RuntimeError>((resolve) => {
      this.#onInitError = resolve
    })
    const ended = this.ended.then((reason) => endError(reason, requestId, limitMs))
    if (this.#reason === undefined) this.#start()
    const cancel = this.#limit(limitMs)
    const failure = await Promise.race([ready, failed, ended])
    cancel()
    if (failure !== undefined) await this.stop()
    return failure
  }

  /**
   * Thaws the process and runs one invocation. Resolves with its whole response, or with the beginning of a stream.
   * Fails if the process dies or is late.
   * @param timeoutMs the function's time-out, for the error's text; the deadline ends the invocation
   */
  async run(invocation: RuntimeInvocation, timeoutMs: number): Promise<Run> {
    const { clock } = this.#options
    this.#requestId = invocation.requestId
    if (this.#invoked) this.#logTail = ''
    this.#invoked = true
    if (this.#state === 'frozen') this.#process?.signal('SIGCONT')
    this.#setState('busy')
    const ready = new Promise<void>((resolve) => {
      this.#onReady = resolve
    })
    const free = Promise.race([ready, this.ended])
    const cancel = this.#limit(invocation.deadline - clock.now())
    void free.then(cancel)
    const ended = this.ended.then((reason) => endError(reason, invocation.requestId, timeoutMs))
    const answer = await Promise.race([this.#api.invoke(invocation).catch(() => ended), ended])
    if (answer.kind === 'stream') return this.#streamed(answer, ended, free)
    const answeredAt = clock.now()
    await this.#orAfter(SETTLE_MS, free)
    return { contentType: JSON_TYPE, bytes: bytesOf(answer), answeredAt: Promise.resolve(answeredAt) }
  }

  /** Kills the process group and waits until it is gone. Idempotent. */
  async stop(): Promise<void> {
    this.#end({ kind: 'stopped' })
    await this.ended
  }

  #streamed(answer: RuntimeStream, ended: Promise<RuntimeError>, free: Promise<unknown>): Run {
    const answeredAt = deferred<number>()
    const settled = () => {
      answeredAt.resolve(this.#options.clock.now())
      return this.#orAfter(SETTLE_MS, free)
    }
    const cut = answer.cut.then(() => this.#orAfter(SETTLE_MS, ended)).then(() => CUT)
    const bytes = untilEnded(answer.body, Promise.race([ended, cut]), settled)
    return { contentType: answer.contentType ?? STREAM_TYPE, bytes, answeredAt: answeredAt.promise }
  }

  #start(): void {
    const { guard, clock } = this.#options
    const runtime = new RuntimeProcess(this.#options.command(this.#api.address), clock, (stream, text) => {
      this.#logTail = `${this.#logTail}${text}\n`.slice(-LOG_TAIL_LENGTH)
      this.#options.onLog({ stream, text, time: clock.now() }, this.#requestId)
    })
    this.#process = runtime
    const { pid } = runtime
    if (pid !== undefined) guard.watch(pid)
    this.#options.onState('starting')
    void runtime.ended.then(async (end) => {
      if (pid !== undefined) guard.release(pid)
      // An answer that the process sent just before its death still counts.
      await this.#orAfter(SETTLE_MS, this.#api.drained())
      this.#finish(this.#reason ?? end)
    })
  }

  #idle(): void {
    if (this.#state === 'ended' || this.#reason !== undefined) return
    this.#process?.flush()
    const starting = this.#state === 'starting'
    this.#requestId = undefined
    // A start is always for an invocation that follows at once.
    const freeze = this.#options.freeze && !starting
    if (freeze) this.#process?.signal('SIGSTOP')
    this.#setState(freeze ? 'frozen' : 'idle')
    this.#onReady()
    if (!starting) this.#options.onIdle()
  }

  #limit(limitMs: number): Cancel {
    return this.#options.clock.schedule(limitMs, () => this.#end({ kind: 'timeout' }))
  }

  #end(reason: EndReason): void {
    this.#reason ??= reason
    if (this.#process === undefined) this.#finish(reason)
    else if (this.#state !== 'ended') this.#process.signal('SIGKILL')
  }

  #finish(reason: EndReason): void {
    if (this.#state === 'ended') return
    this.#setState('ended', reason)
    void this.#api.close().then(() => this.#resolveEnded(reason))
  }

  #setState(state: EnvironmentState, reason?: EndReason): void {
    if (this.#state === 'ended') return
    this.#state = state
    this.#options.onState(state, reason)
  }

  async #orAfter(delayMs: number, event: Promise<unknown>): Promise<void> {
    let cancel: Cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = this.#options.clock.schedule(delayMs, resolve)
    })
    await Promise.race([event, late])
    cancel()
  }
}

export const JSON_TYPE = 'application/json'
const STREAM_TYPE = 'application/octet-stream'

/** Lambda's error when a live runtime's connection ended in the middle of a response. */
const CUT = errorAnswer({
  errorType: 'Runtime.TruncatedResponse',
  errorMessage: 'The runtime ended its connection before its response had ended',
  trace: [],
})

function failed(thrown: unknown): RuntimeError {
  return errorAnswer(toLambdaError(thrown))
}

/** Returns the bytes of a complete response; none for a failure. */
export async function* bytesOf(answer: RuntimeResponse | RuntimeError): ResponseBytes {
  if (answer.kind === 'error') return answer
  yield answer.body
  return undefined
}

/** Returns a stream's bytes, until its runtime ends it, fails or dies. */
async function* untilEnded(
  body: AsyncIterable<Uint8Array>,
  ended: Promise<RuntimeError>,
  settled: () => Promise<void>,
): ResponseBytes {
  const chunks = body[Symbol.asyncIterator]()
  for (;;) {
    const step = await Promise.race([chunks.next().catch(failed), ended])
    if (!('kind' in step) && !step.done) {
      yield step.value
      continue
    }
    await settled()
    return 'kind' in step ? step : undefined
  }
}
