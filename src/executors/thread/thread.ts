import {
  MessageChannel,
  type MessagePort,
  type ResourceLimits,
  receiveMessageOnPort,
  Worker,
} from 'node:worker_threads'
import { systemClock } from '../../core/base/clock.js'
import { deferred } from '../../core/base/deferred.js'
import { defined } from '../../core/base/defined.js'
import { atMost } from '../../core/base/delay.js'
import { HandlerError, type LambdaError, toLambdaError } from '../../core/base/errors.js'
import { unwritable } from '../../core/base/json.js'
import type { Answer, Task } from '../../core/contracts/executor.js'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import { ByteStream } from '../../core/streams/byte-stream.js'
import { outOfFiles } from '../../out-of-files.js'
import { runFile } from '../../run-files.js'
import type { ThreadInspector } from '../debug/inspector.js'
import { ThreadDebugTarget } from '../debug/thread.js'
import type { LocalEnvironment } from '../environment/local-environment.js'
import { changesBetween } from '../environment-changes.js'
import { exited, exitedAtLoad, outOfMemory } from '../execution-errors.js'
import { InvocationOutput } from '../output/invocation-output.js'
import type { PrewarmedWorker, SpareWorker, WorkerOrigin, WorkerOutcome } from '../pool/local-worker.js'
import {
  type CreditMessage,
  type LoadMessage,
  type RunMessage,
  STREAM_WINDOW_BYTES,
  type ThreadData,
  type ThreadMessage,
} from './messages.js'

/** Number of finished invocations that can still write lines of their own, from work that they left behind. */
const REMEMBERED_INVOCATIONS = 16
/** How much output of a module is kept for the first invocation. */
const EARLY_CHARACTERS = 1024 * 1024
/**
 * How long the end of a thread waits for its modules to load: Node aborts the whole process if a thread is terminated
 * while `require` links an ES module (`IsGraphAsync must be used on an instantiated module`). Code that never yields
 * while it loads is terminated after this time.
 */
const LOADING_MS = 2_000

export interface ThreadOptions {
  readonly resourceLimits?: ResourceLimits
  readonly environment: LocalEnvironment
  /** Converts a task's deadline to the system clock, which the thread uses. */
  readonly deadlineOf: (task: Task) => number
  /** Connects debuggers to the thread. */
  readonly inspector: ThreadInspector
}

type OutputMessage = Extract<ThreadMessage, { kind: 'output' }>

/** An invocation in the thread. */
interface Running {
  readonly sequence: number
  readonly task: Task
  settle(outcome: WorkerOutcome | undefined): void
  /** Set when the response streams. */
  stream?: { readonly body: ByteStream; end(): void }
}

/** Drives one worker thread. `entry/worker-thread.ts` runs inside it. */
export class Thread implements SpareWorker, PrewarmedWorker {
  readonly debug: ThreadDebugTarget
  readonly #options: ThreadOptions
  readonly #origin: Pick<Task, 'functionId'> & Partial<WorkerOrigin>
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #begun = new Int32Array(new SharedArrayBuffer(4))
  readonly #outputs = new Map<number, InvocationOutput>()
  readonly #exited: Promise<void>
  readonly #loaded = deferred<LambdaError | undefined>()
  /** Output before the first invocation, to which it is attributed. */
  readonly #early: OutputMessage[] = []
  #earlyCharacters = 0
  #memoryBytes: number | undefined
  #taskEnv: Task['env']
  #env: Task['env']
  #sequence = 0
  #running: Running | undefined
  #usable = true
  #ready = false
  /** Loads under way: of the start, which ends when it is ready and has its dependencies, and of the code. */
  #loads = 1
  readonly #calm = deferred()
  /** The error that ends the thread, if one was reported. */
  #failure: Answer | undefined

  /**
   * Starts the thread with the origin's environment, or without one, for `begin` to set.
   * @param dependencies a module to import before `load` names the code
   */
  constructor(
    origin: Pick<Task, 'functionId'> & Partial<WorkerOrigin>,
    options: ThreadOptions,
    dependencies?: string,
  ) {
    this.#options = options
    this.#origin = origin
    const { env, overrides, build } = origin
    this.#taskEnv = env ?? {}
    this.#env = env === undefined ? {} : options.environment.of(defined({ env, overrides, build }))
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const data: ThreadData = defined({ port: port2, begun: this.#begun, env: this.#env, dependencies })
    this.#worker = new Worker(runFile('worker-thread'), {
      name: origin.functionId,
      workerData: data,
      transferList: [port2],
      // Not even NODE_OPTIONS: with an option that only a process accepts, no thread would start.
      env: {},
      // The host's loaders and flags do not apply to local code.
      execArgv: [],
      stdout: true,
      stderr: true,
      ...(options.resourceLimits ? { resourceLimits: options.resourceLimits } : {}),
    })
    this.debug = new ThreadDebugTarget(this.#worker.threadId, origin.functionId, options.inspector)
    this.#port.on('message', (message: ThreadMessage) => this.#receive(message))
    // Discard output that bypasses the entry's capture, so that it does not pile up.
    this.#worker.stdout.resume()
    this.#worker.stderr.resume()
    this.#worker.on('error', (error) => this.#fail(error))
    this.#exited = new Promise((resolve) => {
      this.#port.once('close', resolve)
      this.#worker.once('exit', (exitCode) => this.#ended(exitCode))
    })
  }

  get usable(): boolean {
    return this.#usable
  }

  get ready(): boolean {
    return this.#ready
  }

  get memoryBytes(): number | undefined {
    return this.#memoryBytes
  }

  begin(origin: WorkerOrigin): void {
    this.#taskEnv = origin.env
    this.#env = this.#options.environment.of(origin)
    void this.#load(origin.build, this.#env)
  }

  load(build: FunctionBuild): Promise<LambdaError | undefined> {
    const { env = {}, overrides } = this.#origin
    this.#env = this.#options.environment.of(defined({ env, overrides, build }))
    return this.#load(build, this.#env)
  }

  #load(build: FunctionBuild, env?: Task['env']): Promise<LambdaError | undefined> {
    // The executor refuses other kinds before it starts a thread.
    if (build.kind === 'file') {
      const { path: file, exportName, as, entry } = build
      const message: LoadMessage = defined({ kind: 'load', file, exportName, as, entry, env })
      this.#loads++
      this.#port.postMessage(message)
    }
    return this.#loaded.promise
  }

  run(task: Task): Promise<WorkerOutcome | undefined> {
    return new Promise((settle) => {
      if (!this.#usable) {
        settle(undefined)
        return
      }
      const sequence = ++this.#sequence
      this.#running = { sequence, task, settle }
      if (task.onPhase !== undefined)
        void this.#loaded.promise.then((error) => {
          if (error === undefined && this.#usable) task.onPhase?.('loaded')
        })
      this.#outputs.set(sequence, new InvocationOutput(task))
      this.#outputs.delete(sequence - REMEMBERED_INVOCATIONS)
      for (const output of this.#early.splice(0)) this.#write(output)
      try {
        this.#post(sequence, task)
      } catch (error) {
        // The context cannot be cloned, because it holds a function, say.
        const named = unwritable('The context of the invocation', error)
        this.#settle(sequence, { kind: 'error', error: toLambdaError(named) })
      }
    })
  }

  async stop(): Promise<void> {
    this.#usable = false
    this.#loaded.resolve(undefined)
    await this.#terminate()
    // Wait until 'exit' has been handled and the port is closed.
    await this.#exited
  }

  async #terminate(): Promise<void> {
    // A paused thread must not run more of its code.
    if (this.#loads > 0 && !this.debug.attached)
      await atMost(LOADING_MS, this.#calm.promise, { clock: systemClock })
    await this.debug.end(() => this.#worker.terminate())
  }

  #post(sequence: number, task: Task): void {
    // Transfer a copy: the caller keeps its bytes, and a view would send its whole buffer.
    const event = new Uint8Array(task.event)
    const envChanges = this.#envChanges(task)
    const message: RunMessage = {
      kind: 'run',
      sequence,
      event,
      context: task.context,
      deadline: this.#options.deadlineOf(task),
      ...(envChanges ? { envChanges } : {}),
    }
    this.#port.postMessage(message, [event.buffer])
  }

  #envChanges(task: Task): RunMessage['envChanges'] {
    const taskEnv = task.invocationEnv === undefined ? task.env : { ...task.env, ...task.invocationEnv }
    const changed = changesBetween(this.#taskEnv, taskEnv) !== undefined
    this.#taskEnv = taskEnv
    if (changed || this.#sequence === 1) this.#options.environment.announce(task)
    if (!changed) return undefined
    const previous = this.#env
    this.#env = this.#options.environment.of(task)
    return changesBetween(previous, this.#env)
  }

  #receive(message: ThreadMessage): void {
    switch (message.kind) {
      case 'output':
        this.#write(message)
        return
      case 'ready':
        this.#memoryBytes = message.memoryBytes
        this.#ready = true
        this.#hasLoaded()
        return
      case 'loaded':
        this.#memoryBytes = message.memoryBytes
        this.#loaded.resolve(message.error)
        this.#hasLoaded()
        return
      case 'value':
        this.#memoryBytes = message.memoryBytes
        this.#settle(message.sequence, { kind: 'value', body: message.body })
        return
      case 'stream':
        this.#stream(message)
        return
      case 'chunk':
        this.#streamOf(message)?.push(message.bytes)
        return
      case 'end':
        if (message.error) this.#streamOf(message)?.fail(new HandlerError(message.error))
        else this.#streamOf(message)?.end()
        return
      case 'streamed':
        this.#memoryBytes = message.memoryBytes
        this.#settle(message.sequence, undefined)
        return
      case 'error':
        if (message.fatal) this.#usable = false
        this.#settle(message.sequence, { kind: 'error', error: message.error })
        return
      case 'broken':
        this.#usable = false
        this.#failure = { kind: 'error', error: message.error }
        this.#loaded.resolve(message.error)
        // An invocation may be on its way into the broken thread: the thread's end decides its outcome.
        void this.#terminate()
    }
  }

  #stream({ sequence, contentType }: Extract<ThreadMessage, { kind: 'stream' }>): void {
    const running = this.#running
    if (running?.sequence !== sequence) return
    const body = new ByteStream(STREAM_WINDOW_BYTES)
    body.onRead((bytes) => {
      const message: CreditMessage = { kind: 'credit', sequence, bytes }
      this.#port.postMessage(message)
    })
    const { promise: over, resolve: end } = deferred()
    running.stream = { body, end }
    running.settle({ kind: 'stream', contentType, body, over })
  }

  #streamOf({ sequence }: { readonly sequence: number }): ByteStream | undefined {
    return this.#running?.sequence === sequence ? this.#running.stream?.body : undefined
  }

  /** @param outcome for a streaming invocation: the error that ended its code early, or undefined */
  #settle(sequence: number, outcome: Answer | undefined): void {
    const running = this.#running
    if (running?.sequence !== sequence) return
    this.#running = undefined
    this.#outputs.get(sequence)?.flush()
    const { stream } = running
    if (stream === undefined) return running.settle(outcome)
    if (outcome?.kind === 'error') stream.body.fail(new HandlerError(outcome.error))
    stream.body.end()
    stream.end()
  }

  #hasLoaded(): void {
    this.#loads--
    if (this.#loads === 0) this.#calm.resolve()
  }

  #fail(error: unknown): void {
    this.#usable = false
    const task = this.#running?.task
    if (!task) return
    const code = (error as { code?: unknown } | null)?.code
    this.#failure =
      code === 'ERR_WORKER_OUT_OF_MEMORY'
        ? outOfMemory(task, (error as Error).message)
        : { kind: 'error', error: toLambdaError(outOfFiles(error, 'EXECUTION_FAILED') ?? error) }
  }

  #ended(exitCode: number): void {
    this.#usable = false
    // The port's last messages and the thread's end arrive separately, in either order.
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
      this.#receive(next.message as ThreadMessage)
    }
    this.#port.close()
    for (const output of this.#outputs.values()) output.flush()
    this.#loaded.resolve(exitedAtLoad(exitCode))
    this.#calm.resolve()
    const running = this.#running
    if (!running) return
    // Work left behind by an earlier invocation may have ended the thread: then this invocation can run again. A thread
    // that never answered may have been ended by its own module, and would be again.
    const begun = running.sequence === 1 || Atomics.load(this.#begun, 0) >= running.sequence
    this.#settle(running.sequence, begun ? (this.#failure ?? exited(running.task, exitCode)) : undefined)
  }

  #write(message: OutputMessage): void {
    if (this.#sequence === 0) {
      this.#keep(message)
      return
    }
    const { sequence, stream, text, time } = message
    // Output before the first invocation belongs to the first; output of a forgotten invocation goes to the current
    // one.
    const owner = Math.max(1, sequence)
    const output = this.#outputs.get(owner) ?? this.#outputs.get(this.#sequence)
    output?.write(stream, text, time)
    if (this.#running?.sequence !== owner) output?.flush()
  }

  #keep(message: OutputMessage): void {
    this.#early.push(message)
    this.#earlyCharacters += message.text.length
    while (this.#earlyCharacters > EARLY_CHARACTERS) {
      this.#earlyCharacters -= this.#early.shift()?.text.length ?? this.#earlyCharacters
    }
  }
}
