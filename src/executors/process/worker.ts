import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Cancel, Clock } from '../../core/base/clock.js'
import { deferred } from '../../core/base/deferred.js'
import { defined } from '../../core/base/defined.js'
import { HandlerError, type LambdaError, TetherError, toLambdaError } from '../../core/base/errors.js'
import { jsonText } from '../../core/base/json.js'
import { setImmediate } from '../../core/base/timers.js'
import type { Answer, LogEntry, Task } from '../../core/contracts/executor.js'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import { ProcessDebugTarget } from '../debug/process.js'
import type { LocalEnvironment } from '../environment/local-environment.js'
import { changesBetween } from '../environment-changes.js'
import { exited, exitedAtLoad, notStarted, outOfMemory, truncated } from '../execution-errors.js'
import type { LocalStream, SpareWorker, WorkerOrigin, WorkerOutcome } from '../pool/local-worker.js'
import type { RuntimeAnswer, RuntimeStream } from '../runtime-api/answer.js'
import { RuntimeApi, type RuntimeInvocation } from '../runtime-api/server.js'
import { type RuntimeKind, runtimeOf } from '../runtime-kind.js'
import { outcomeOfAnswer } from './answer.js'
import {
  type BootstrapCode,
  type BootstrapDetails,
  type BootstrapStart,
  CODE_PATH,
  LOADED_PATH,
  START_PATH,
} from './bootstrap-protocol.js'
import { bootstrapCommand, customCommand } from './command.js'
import type { Guard } from './guard.js'
import { readLoadedFiles } from './loaded-files.js'
import { ProcessOutput } from './output.js'
import { pythonModule, pythonProgram } from './python-project.js'
import { type ProcessEnd, type RuntimeCommand, RuntimeProcess } from './runtime-process.js'

export interface ProcessWorkerOptions {
  readonly clock: Clock
  readonly guard: Guard
  /** Milliseconds from SIGTERM to SIGKILL. */
  readonly graceMs: number
  /** The program that runs Python. @default found in each function's project */
  readonly python: string | undefined
  readonly environment: LocalEnvironment
  /** Whether a function's Node processes open their inspectors. */
  readonly inspects: (functionId: string) => boolean
  /** Converts a task's deadline to the system clock, which the process uses. */
  readonly deadlineOf: (task: Task) => number
}

// How long the last messages of an ending process can take to arrive.
const LAST_BREATH_MS = 100

/** Drives one process, through a Runtime API of its own. */
export class ProcessWorker implements SpareWorker {
  readonly debug?: ProcessDebugTarget
  readonly #options: ProcessWorkerOptions
  readonly #kind: RuntimeKind
  readonly #origin: WorkerOrigin
  /** The program that runs Python, if this is a Python worker. */
  readonly #python: string
  readonly #api: RuntimeApi
  readonly #output = new ProcessOutput()
  readonly #code = deferred<BootstrapCode>()
  readonly #asked = deferred()
  readonly #initFailed = deferred<Extract<Answer, { kind: 'error' }>>()
  readonly #over = deferred<ProcessEnd>()
  #command = ''
  #build: FunctionBuild | undefined
  #stopping = false
  #starting: Promise<void> | undefined
  #process: RuntimeProcess | undefined
  /** The environment while modules are loaded. */
  readonly #startEnv: Record<string, string>
  #env: Task['env']
  #details: BootstrapDetails | undefined
  /** Called when the runtime asks for its next invocation. */
  #onFree: () => void = () => {}
  #runs = 0
  /**
   * Number of invocations that the bootstrap has begun: an invocation sent to a dying process may never reach user
   * code.
   */
  #begun = 0
  #hasCode = false
  #ready = false
  #usable = true

  /** Starts a bootstrap of this package with the environment of `origin`; a custom runtime starts in `load`. */
  constructor(origin: WorkerOrigin, options: ProcessWorkerOptions) {
    const kind = runtimeOf(origin.build)
    if (kind === undefined) throw new TypeError('a handler of this process has no runtime')
    this.#options = options
    this.#origin = origin
    this.#kind = kind
    if (kind === 'node') this.debug = new ProcessDebugTarget(origin.functionId)
    this.#startEnv = this.#startEnvOf(origin.build)
    this.#env = this.#startEnv
    this.#python = this.#pythonOf(origin.build)
    // Many custom runtimes accept only a host and a port.
    const takesPath = origin.build.kind !== 'command' || origin.build.secretPath === true
    const secret = takesPath ? `/${randomUUID()}` : ''
    this.#api = new RuntimeApi(
      {
        onNext: async () => {
          this.#asked.resolve()
          // Output written before this call is read within this turn; output of the next invocation is not.
          await new Promise(setImmediate)
          this.#process?.flush()
          this.#onFree()
        },
        onInitError: ({ error }) => {
          this.#usable = false
          this.#initFailed.resolve({ kind: 'error', error })
        },
        onGet: (path) => this.#tell(path),
        onPost: (path) => {
          if (path !== LOADED_PATH || this.#kind !== 'python') return undefined
          return (body) => {
            const report = readLoadedFiles(body)
            if (report) this.#build?.loaded?.(report)
          }
        },
      },
      secret,
    )
    if (kind === 'custom') return
    this.#start((api) => bootstrapCommand(kind, { env: this.#env, api, python: this.#python }))
  }

  get usable(): boolean {
    return this.#usable && this.#process?.gone !== true
  }

  get ready(): boolean {
    return this.#ready
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get memoryBytes(): number | undefined {
    return this.pid === undefined || this.#process?.gone === true ? undefined : residentBytes(this.pid)
  }

  async load(build: FunctionBuild): Promise<LambdaError | undefined> {
    const kind = runtimeOf(build)
    const env = this.#startEnvOf(build)
    // A virtual environment or another task root may have appeared since the start.
    if (kind !== this.#kind || this.#pythonOf(build) !== this.#python || changesBetween(this.#env, env)) {
      this.#usable = false
      return undefined
    }
    this.#build = build
    if (build.kind === 'file') {
      const { path: file, exportName, as, entry, taskRoot } = build
      const python = kind === 'python' ? pythonModule(file, taskRoot) : undefined
      this.#hasCode = true
      this.#code.resolve(defined({ file, exportName, as, entry, python }))
    }
    if (build.kind === 'command') {
      this.#start((api) => customCommand(build, this.#origin, { env: this.#env, api }))
    }
    return Promise.race([
      this.#asked.promise.then(() => undefined),
      this.#initFailed.promise.then(({ error }) => error),
      this.#over.promise.then((end) => this.#errorOfEnd(end)),
    ])
  }

  async run(task: Task): Promise<WorkerOutcome | undefined> {
    if (!this.usable) return undefined
    if (!this.#update(task)) {
      this.#usable = false
      return undefined
    }
    this.#runs++
    this.#options.environment.announce(task)
    this.#output.begin(task)
    if (task.onPhase !== undefined) void this.#asked.promise.then(() => task.onPhase?.('loaded'))
    const outcome = await Promise.race([
      this.#invoke(task),
      this.#initFailed.promise,
      this.#over.promise.then((end) => this.#outcomeOfEnd(task, end)),
    ])
    // A stream is still in progress: there is no output to wait for.
    if (outcome?.kind === 'stream') return outcome
    // Output written before the answer is read within this turn of the event loop, like the answer.
    if (this.#usable) await new Promise(setImmediate)
    else await this.#orLate(this.#over.promise)
    this.#process?.flush()
    return outcome
  }

  /** Sends SIGTERM to the process and its children, and SIGKILL if they do not end in time. */
  async stop(): Promise<void> {
    this.#usable = false
    this.#stopping = true
    await this.#starting
    const { clock, graceMs } = this.#options
    if (this.#process === undefined) this.#over.resolve({ kind: 'exit', code: null, signal: 'SIGTERM' })
    this.#process?.signal('SIGTERM')
    const cancel = clock.schedule(graceMs, () => this.#process?.signal('SIGKILL'))
    await this.#over.promise
    cancel()
    await this.#api.close()
  }

  #start(command: (api: string) => RuntimeCommand): void {
    this.#starting = this.#spawn(command).catch((error: unknown) => {
      this.#usable = false
      this.#over.resolve({ kind: 'spawn', error: error instanceof Error ? error : new Error(String(error)) })
    })
  }

  async #spawn(commandFor: (api: string) => RuntimeCommand): Promise<void> {
    const { clock, guard } = this.#options
    await this.#api.open()
    // The worker was stopped in the meantime.
    if (!this.#usable) return
    const command = commandFor(this.#api.address)
    this.#command = command.command
    const onLine = (stream: LogEntry['stream'], text: string) => {
      if (stream === 'stderr' && this.debug?.hear(text)) return
      this.#output.line(stream, text, clock.now())
    }
    const onBegun = (count: number) => {
      this.#begun += count
    }
    const runtime = new RuntimeProcess(command, clock, onLine, this.#kind === 'custom' ? undefined : onBegun)
    this.#process = runtime
    const { pid } = runtime
    if (pid !== undefined) guard.watch(pid)
    void runtime.ended.then(async (end) => {
      this.#usable = false
      if (pid !== undefined) guard.release(pid)
      await this.#orLate(this.#api.drained())
      this.#over.resolve(end)
    })
  }

  /** Updates the data to send with a task; returns false if the process cannot receive it any more. */
  #update(task: Task): boolean {
    const env = this.#options.environment.of(task)
    const changes = changesBetween(this.#env, env)
    this.#env = env
    if (this.#kind === 'custom') return changes === undefined
    const { functionName, functionVersion, memoryLimitInMB, logGroupName, logStreamName } = task.context
    const context = { functionName, functionVersion, memoryLimitInMB, logGroupName, logStreamName }
    this.#details = { env: changes ?? {}, context }
    return true
  }

  #tell(path: string): Promise<object> | undefined {
    if (path === START_PATH) return Promise.resolve(this.#startOf(this.#origin))
    if (path === CODE_PATH) {
      this.#ready = true
      return this.#code.promise
    }
    return undefined
  }

  #startOf({ build, functionId }: WorkerOrigin): BootstrapStart {
    // Code that is already there loads its dependencies itself.
    const dependencies = build.kind === 'file' && !this.#hasCode ? build.dependencies?.path : undefined
    return {
      env: this.#startEnv,
      ...(dependencies === undefined ? {} : { dependencies }),
      ...(this.#options.inspects(functionId) ? { inspect: true } : {}),
    }
  }

  async #invoke(task: Task): Promise<WorkerOutcome> {
    let answer: RuntimeAnswer
    try {
      answer = await this.#api.invoke(this.#invocationOf(task))
    } catch (error) {
      // The end of the process tells the reason.
      if (error instanceof TetherError && error.code === 'CLOSED') return new Promise(() => {})
      return { kind: 'error', error: toLambdaError(error) }
    }
    return answer.kind === 'stream' ? this.#streamOf(task, answer) : outcomeOfAnswer(answer)
  }

  #streamOf(task: Task, { contentType, body, cut }: RuntimeStream): LocalStream {
    const free = new Promise<void>((resolve) => {
      this.#onFree = resolve
    })
    const gone = this.#over.promise.then((end) => this.#outcomeOfEnd(task, end))
    void cut.then(async () => {
      // If the process ends, its end explains the broken connection; if it lives, its code broke the connection.
      const { error } = (await this.#orLate(gone)) ?? truncated(task)
      body.fail(new HandlerError(error))
    })
    const over = Promise.all([body.ended, Promise.race([free, this.#over.promise])])
    return { kind: 'stream', contentType, body, over: over.then(() => this.#process?.flush()) }
  }

  #invocationOf(task: Task): RuntimeInvocation {
    const { awsRequestId, invokedFunctionArn, traceId, clientContext, identity, tenantId } = task.context
    return {
      requestId: awsRequestId,
      event: task.event,
      deadline: this.#options.deadlineOf(task),
      functionArn: invokedFunctionArn,
      ...(traceId === undefined ? {} : { traceId }),
      ...(clientContext === undefined
        ? {}
        : { clientContext: jsonText('The client context', clientContext) }),
      ...(identity === undefined ? {} : { identity: jsonText('The identity', identity) }),
      ...(tenantId === undefined ? {} : { tenantId }),
      ...(this.#details === undefined ? {} : { details: Buffer.from(JSON.stringify(this.#details)) }),
    }
  }

  #outcomeOfEnd(task: Task, end: ProcessEnd): Extract<Answer, { kind: 'error' }> | undefined {
    if (end.kind === 'spawn') return notStarted(task, this.#command, end.error)
    const delivered = this.#kind === 'custom' ? this.#api.delivered : this.#begun >= this.#runs
    // The process ended between two invocations, independently of this one. A process that ends before its first would
    // end again.
    if (!delivered && this.#runs > 1) return undefined
    if (this.#output.outOfMemory !== undefined) return outOfMemory(task, this.#output.outOfMemory)
    return exited(task, end.signal ?? end.code ?? 0, delivered ? '' : this.#output.tail)
  }

  #errorOfEnd(end: ProcessEnd): LambdaError | undefined {
    if (this.#stopping) return undefined
    if (end.kind === 'spawn') return toLambdaError(end.error)
    return exitedAtLoad(end.signal ?? end.code ?? 0, this.#output.tail)
  }

  #startEnvOf(build: FunctionBuild): Record<string, string> {
    const { env, overrides, invocationEnv } = this.#origin
    // A custom runtime gets its variables only at its start.
    const own = this.#kind === 'custom' ? { invocationEnv } : {}
    return this.#options.environment.of({ env, overrides, ...own, build })
  }

  #pythonOf(build: FunctionBuild): string {
    if (build.kind !== 'file' || this.#kind !== 'python') return ''
    return this.#options.python ?? pythonProgram(build.path, build.taskRoot)
  }

  /** Resolves with the event's result, or with undefined if the event is late. */
  async #orLate<T>(event: Promise<T>): Promise<T | undefined> {
    let cancel: Cancel = () => {}
    const late = new Promise<undefined>((resolve) => {
      cancel = this.#options.clock.schedule(LAST_BREATH_MS, () => resolve(undefined))
    })
    const result = await Promise.race([event, late])
    cancel()
    return result
  }
}

/** Returns the memory of a process, if the system has a file that tells it. */
function residentBytes(pid: number): number | undefined {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  } catch {
    return undefined
  }
}
