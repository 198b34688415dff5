import { dirname } from 'node:path'
import { EventEmitter } from 'eventemitter3'
import { type Clock, systemClock } from '../core/clock.js'
import { TetherError } from '../core/errors.js'
import { Guard } from '../executors/guard.js'
import type { RuntimeCommand } from '../executors/runtime-process.js'
import { runFile } from '../run-files.js'
import { EnvironmentPool } from './environment-pool.js'
import { ExecutionEnvironment } from './execution-environment.js'
import {
  type CompleteDefinition,
  completeDefinition,
  type FunctionDefinition,
  type LocalCredentials,
} from './function-definition.js'
import { lambdaEnvironment } from './function-environment.js'
import type { LambdaHostEvents } from './lambda-events.js'
import { LambdaFunction, type LocalFunction } from './lambda-function.js'
import { createTaskRoot, type TaskRoot } from './task-root.js'

/** How to run functions. */
export interface LambdaHostOptions {
  /** @default 'us-east-1' */
  readonly region?: string
  /** Twelve digits. @default '123456789012' */
  readonly accountId?: string
  /** What functions get as their role's credentials. @default made up */
  readonly credentials?: LocalCredentials
  /** Environment variables of every function, outside Lambda's 4 KB; a function's own win. @default none */
  readonly environment?: Readonly<Record<string, string>>
  /** How long an unused execution environment lives, in milliseconds. @default 600000, ten minutes */
  readonly idleMs?: number
  /** How long a start may take before it is tried again, in milliseconds. @default 10000, as Lambda's */
  readonly initTimeoutMs?: number
  /**
   * The waits before each further attempt at a failed asynchronous event, in milliseconds; their number is the number
   * of retries. Lambda's are one minute and two. @default [200, 400]
   */
  readonly retryDelaysMs?: readonly number[]
  /** Whether to stop processes between invocations, as Lambda does. @default true, but on Windows, which cannot */
  readonly freeze?: boolean
  readonly clock?: Clock
}

/**
 * Runs Lambda functions in processes of their own behind the Lambda Runtime API, with Lambda's limits, freezing
 * them between invocations.
 */
export interface LambdaHost extends AsyncDisposable {
  /** Adds a function. @throws TetherError `INVALID_OPTION`, `CLOSED` */
  function(definition: FunctionDefinition): LocalFunction
  on<E extends keyof LambdaHostEvents>(event: E, listener: LambdaHostEvents[E]): this
  once<E extends keyof LambdaHostEvents>(event: E, listener: LambdaHostEvents[E]): this
  off<E extends keyof LambdaHostEvents>(event: E, listener: LambdaHostEvents[E]): this
  /** Kills every process and waits until it is gone; invocations that run reject with `CLOSED`. Idempotent. */
  close(): Promise<void>
}

/** Makes a Lambda host. It starts processes when functions are invoked. */
export function createLambdaHost(options: LambdaHostOptions = {}): LambdaHost {
  return new ProcessHost(options)
}

const DEFAULTS = {
  region: 'us-east-1',
  accountId: '123456789012',
  credentials: { accessKeyId: 'AKIALOCALCLOUD000000', secretAccessKey: 'local-cloud' },
  environment: {},
  idleMs: 600_000,
  initTimeoutMs: 10_000,
  retryDelaysMs: [200, 400],
  clock: systemClock,
}

class ProcessHost implements LambdaHost {
  readonly #options: Required<LambdaHostOptions>
  readonly #events = new EventEmitter()
  readonly #guard = new Guard()
  readonly #functions = new Map<string, { run: LambdaFunction; taskRoot: TaskRoot }>()
  #closing: Promise<void> | undefined
  #warned = false

  constructor(options: LambdaHostOptions) {
    const freeze = (options.freeze ?? true) && process.platform !== 'win32'
    this.#options = { ...DEFAULTS, ...options, freeze }
  }

  function(definition: FunctionDefinition): LocalFunction {
    if (this.#closing !== undefined) throw new TetherError('CLOSED', 'The local Lambda host was closed.')
    const complete = completeDefinition(definition)
    const { name } = complete
    if (this.#functions.has(name)) {
      throw new TetherError(
        'INVALID_OPTION',
        `There is a function named '${name}' already. Choose another 'name'.`,
      )
    }
    const taskRoot = createTaskRoot(complete)
    const { clock, idleMs, initTimeoutMs, retryDelaysMs, region, accountId } = this.#options
    const run = new LambdaFunction({
      name,
      arn: `arn:aws:lambda:${region}:${accountId}:function:${name}`,
      timeoutMs: complete.timeoutMs,
      initTimeoutMs,
      retryDelaysMs,
      concurrency: complete.reservedConcurrency,
      clock,
      pool: new EnvironmentPool({
        clock,
        idleMs,
        create: (onIdle) => this.#environment(complete, taskRoot.path, onIdle),
      }),
      onInvocation: (report) => this.#emit('invocation', report),
      onDiscard: (event) => this.#emit('discard', event),
    })
    this.#functions.set(name, { run, taskRoot })
    return run
  }

  on<E extends keyof LambdaHostEvents>(event: E, listener: LambdaHostEvents[E]): this {
    this.#events.on(event, listener)
    return this
  }

  once<E extends keyof LambdaHostEvents>(event: E, listener: LambdaHostEvents[E]): this {
    this.#events.once(event, listener)
    return this
  }

  off<E extends keyof LambdaHostEvents>(event: E, listener: LambdaHostEvents[E]): this {
    this.#events.off(event, listener)
    return this
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const functions = [...this.#functions.values()]
    await Promise.all(functions.map(({ run }) => run.close()))
    await this.#guard.close()
    for (const { taskRoot } of functions) taskRoot.remove()
  }

  #environment(definition: CompleteDefinition, taskRoot: string, onIdle: () => void): ExecutionEnvironment {
    this.#warnOfFreezing()
    const functionName = definition.name
    const environment: ExecutionEnvironment = new ExecutionEnvironment({
      guard: this.#guard,
      clock: this.#options.clock,
      freeze: this.#options.freeze,
      command: (runtimeApi) => this.#command(definition, taskRoot, runtimeApi, environment.id),
      onLog: (entry, requestId) =>
        this.#emit('log', {
          ...entry,
          functionName,
          environmentId: environment.id,
          ...(requestId === undefined ? {} : { requestId }),
        }),
      onState: (state, reason) =>
        this.#emit('environment', {
          functionName,
          environmentId: environment.id,
          state,
          ...(environment.pid === undefined ? {} : { pid: environment.pid }),
          ...(reason === undefined ? {} : { reason }),
        }),
      onIdle,
    })
    return environment
  }

  #command(definition: CompleteDefinition, taskRoot: string, runtimeApi: string, id: string): RuntimeCommand {
    const bootstrap = runFile('node-bootstrap')
    const { region, credentials, environment, clock } = this.#options
    const day = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/')
    return {
      command: definition.nodePath,
      args: [
        // Lambda's Node runtimes have require() of ES modules off.
        '--no-experimental-require-module',
        `--max-old-space-size=${Math.floor(definition.memoryMb * 0.9)}`,
        bootstrap,
      ],
      cwd: taskRoot,
      env: lambdaEnvironment(definition, {
        region,
        credentials,
        taskRoot,
        runtimeApi,
        runtimeDir: dirname(bootstrap),
        logGroupName: `/aws/lambda/${definition.name}`,
        logStreamName: `${day}/[$LATEST]${id.replaceAll('-', '')}`,
        extra: environment,
      }),
    }
  }

  #warnOfFreezing(): void {
    if (this.#options.freeze || this.#warned) return
    this.#warned = true
    this.#emit(
      'warning',
      'Functions keep running between invocations here; Lambda freezes them. Sockets stay alive.',
    )
  }

  #emit<E extends keyof LambdaHostEvents>(event: E, ...args: Parameters<LambdaHostEvents[E]>): void {
    try {
      this.#events.emit(event, ...args)
    } catch (error) {
      process.emitWarning(`A listener of '${event}' threw: ${String(error)}`, 'LambdaTether')
    }
  }
}
