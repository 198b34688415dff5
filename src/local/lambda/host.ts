import { EventEmitter } from 'eventemitter3'
import { partitionOf } from '../../aws/endpoints.js'
import { type Complete, defined } from '../../core/base/defined.js'
import { TetherError } from '../../core/base/errors.js'
import { printable } from '../../core/base/printable.js'
import { Guard } from '../../executors/process/guard.js'
import { EnvironmentPool } from './environment-pool.js'
import type { LambdaHostEvents } from './events.js'
import { ExecutionEnvironment } from './execution-environment.js'
import { LambdaFunction, type LocalFunction } from './function.js'
import {
  type CompleteDefinition,
  completeDefinition,
  type FunctionDefinition,
} from './function-definition.js'
import { completeHostOptions, type LambdaHostOptions } from './host-options.js'
import { runtimeCommand } from './runtime-command.js'
import { createTaskRoot, type TaskRoot } from './task-root.js'

export type { LambdaHostOptions } from './host-options.js'

/**
 * Runs Lambda functions in separate processes behind the Lambda Runtime API, with Lambda's limits, and freezes them
 * between invocations.
 */
export interface LambdaHost extends AsyncDisposable {
  /** Adds a function. @throws TetherError `INVALID_OPTION`, `CLOSED` */
  function(definition: FunctionDefinition): LocalFunction
  /** Adds a listener of an event; see {@link LambdaHostEvents}. */
  on<E extends keyof LambdaHostEvents>(event: E, listener: LambdaHostEvents[E]): this
  /** Adds a listener for the next event only. */
  once<E extends keyof LambdaHostEvents>(event: E, listener: LambdaHostEvents[E]): this
  /** Removes a listener. */
  off<E extends keyof LambdaHostEvents>(event: E, listener: LambdaHostEvents[E]): this
  /** Kills every process and waits until it is gone; running invocations reject with `CLOSED`. Idempotent. */
  close(): Promise<void>
}

/** Makes a Lambda host. It starts processes only for invocations. */
export function createLambdaHost(options: LambdaHostOptions = {}): LambdaHost {
  return new ProcessHost(options)
}

/** The version of a function that can change. */
const LATEST = '$LATEST'

interface HostedFunction {
  readonly run: LambdaFunction
  definition: CompleteDefinition
  taskRoot: TaskRoot
}

/** A Lambda host with changeable and removable functions, for the control plane. */
export class ProcessHost implements LambdaHost {
  readonly #options: Complete<LambdaHostOptions>
  readonly #events = new EventEmitter()
  readonly #guard = new Guard()
  readonly #functions = new Map<string, HostedFunction>()
  readonly #taskRoots: TaskRoot[] = []
  #closing: Promise<void> | undefined
  #warned = false

  constructor(options: LambdaHostOptions) {
    this.#options = completeHostOptions(options)
  }

  /** @param version published version of the function, kept apart from the others */
  function(definition: FunctionDefinition, version = LATEST): LocalFunction {
    if (this.#closing !== undefined) throw new TetherError('CLOSED', 'The local Lambda host was closed.')
    const complete = completeDefinition(definition)
    const { name } = complete
    if (this.#functions.has(keyOf(name, version))) {
      throw new TetherError(
        'INVALID_OPTION',
        `There is a function named '${name}' already. Choose another 'name'.`,
      )
    }
    const { clock, idleMs, initTimeoutMs, retryDelaysMs, region, accountId } = this.#options
    const arn = `arn:${partitionOf(region)}:lambda:${region}:${accountId}:function:${name}`
    const hosted: HostedFunction = {
      definition: complete,
      taskRoot: this.#taskRoot(complete),
      run: new LambdaFunction({
        name,
        arn: version === LATEST ? arn : `${arn}:${version}`,
        timeoutMs: complete.timeoutMs,
        initTimeoutMs,
        retryDelaysMs,
        asynchronous: complete.asynchronous,
        concurrency: complete.reservedConcurrency,
        clock,
        pool: new EnvironmentPool({
          clock,
          idleMs,
          create: (onIdle) => this.#environment(hosted, version, onIdle),
        }),
        onInvocation: (report) => this.#emit('invocation', report),
        onDiscard: (event) => this.#emit('discard', event),
        onUndelivered: (to, error) =>
          this.#emit(
            'warning',
            `A record of '${name}' was not delivered to ${to.arn}: ${printable(String(error))}`,
          ),
      }),
    }
    this.#functions.set(keyOf(name, version), hosted)
    return hosted.run
  }

  /** Returns a function, or a version of it. */
  find(name: string, version = LATEST): LocalFunction | undefined {
    return this.#functions.get(keyOf(name, version))?.run
  }

  /**
   * Changes a function: new environments get the new definition, existing ones end after their current invocation.
   * @throws TetherError `INVALID_OPTION`
   */
  redefine(definition: FunctionDefinition): void {
    const complete = completeDefinition(definition)
    const hosted = this.#functions.get(keyOf(complete.name, LATEST))
    if (hosted === undefined) {
      throw new TetherError('INVALID_OPTION', `There is no function named '${complete.name}'.`)
    }
    // The old code stays until the host closes: running invocations may still load files from it.
    hosted.taskRoot = this.#taskRoot(complete)
    hosted.definition = complete
    hosted.run.renew({ timeoutMs: complete.timeoutMs, concurrency: complete.reservedConcurrency })
  }

  /** Removes a function, or a version of it; kills its running invocations. */
  async remove(name: string, version = LATEST): Promise<void> {
    const hosted = this.#functions.get(keyOf(name, version))
    this.#functions.delete(keyOf(name, version))
    await hosted?.run.close()
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
    for (const taskRoot of this.#taskRoots) taskRoot.remove()
  }

  #taskRoot(definition: CompleteDefinition): TaskRoot {
    const taskRoot = createTaskRoot(definition)
    this.#taskRoots.push(taskRoot)
    return taskRoot
  }

  #environment(hosted: HostedFunction, version: string, onIdle: () => void): ExecutionEnvironment {
    this.#warnOfFreezing()
    const { definition, taskRoot } = hosted
    const functionName = definition.name
    const { region, credentials, environment: extra, clock } = this.#options
    const environment: ExecutionEnvironment = new ExecutionEnvironment({
      guard: this.#guard,
      clock,
      freeze: this.#options.freeze,
      command: (runtimeApi) =>
        runtimeCommand(definition, {
          region,
          credentials,
          extra,
          version,
          taskRoot,
          runtimeApi,
          environmentId: environment.id,
          now: clock.now(),
        }),
      onLog: (entry, requestId) =>
        this.#emit('log', {
          ...entry,
          functionName,
          environmentId: environment.id,
          ...(requestId === undefined ? {} : { requestId }),
        }),
      onState: (state, reason) =>
        this.#emit(
          'environment',
          defined({ functionName, environmentId: environment.id, state, pid: environment.pid, reason }),
        ),
      onIdle,
    })
    return environment
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

function keyOf(name: string, version: string): string {
  return `${name}:${version}`
}
