import assert from 'node:assert/strict'
import { type LambdaError, TetherError, type TetherErrorCode } from '../../core/base/errors.js'
import type { Executor, Outcome, Task } from '../../core/contracts/executor.js'
import type { FunctionBuild } from '../../core/contracts/function-source.js'
import type { AbortOptions } from '../../core/contracts/transport.js'
import { runFile } from '../../run-files.js'
import type { Patience } from '../suite.js'
import type { ExecutorFeature, FunctionBehaviour } from './behaviour.js'
import { errorIn, responseIn } from './outcome.js'
import { type Line, Switchboard } from './switchboard.js'

/** The result of `executorConformance`'s factory, for one test. */
export interface ExecutorUnderTest {
  readonly executor: Executor
  /**
   * Returns the function with a behaviour. The same behaviour must give an equal build each time, and different
   * behaviours different builds.
   * @default JavaScript modules on disk, as `{ kind: 'file' }`
   */
  functionOf?(behaviour: FunctionBehaviour): FunctionBuild | Promise<FunctionBuild>
  /** Variables for every function besides the suite's own, such as a limit of its memory. @default none */
  readonly variables?: Readonly<Record<string, string>> | undefined
  /**
   * Environment variables that this executor's runtime sets by itself, besides `PATH`, `HOME`, `LAMBDA_TASK_ROOT` and
   * `AWS_EXECUTION_ENV`.
   * @default none
   */
  readonly runtimeVariables?: readonly string[] | undefined
  /** Releases the factory's resources; called when the test has closed the executor. */
  close?(): void | Promise<void>
}

/** One promise of an executor, tested. */
export interface ExecutorTest {
  readonly name: string
  readonly needs?: readonly ExecutorFeature[]
  run(trial: ExecutorTrial): Promise<void>
}

/** A test's changes to a task, and its abort signal. */
export interface Given extends Partial<Omit<Task, 'build'>>, AbortOptions {
  /** The function's time limit, from now. @default 60,000: longer than any wait of the suite */
  readonly timeLimitMs?: number
}

/** An invocation under way. */
export interface Underway {
  readonly outcome: Promise<Outcome>
  readonly line: Line
}

export const REQUEST_ID = '8476a536-e9f4-11e8-9739-2dfe598c3fcd'

/** The variables that Lambda derives from a function's settings, with the same values as {@link CONTEXT}. */
export const ENVIRONMENT: Task['env'] = {
  AWS_REGION: 'eu-west-1',
  AWS_LAMBDA_FUNCTION_NAME: 'conformance',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/conformance',
  AWS_LAMBDA_LOG_STREAM_NAME: '2026/11/21/[$LATEST]56b1',
}

export const CONTEXT: Task['context'] = {
  awsRequestId: REQUEST_ID,
  functionName: 'conformance',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:conformance',
  memoryLimitInMB: '128',
  logGroupName: '/aws/lambda/conformance',
  logStreamName: '2026/11/21/[$LATEST]56b1',
}

/** One run of one test: an executor, and a server to which obeying functions connect. */
export class ExecutorTrial {
  readonly executor: Executor
  readonly runtimeVariables: readonly string[]
  readonly switchboard: Switchboard
  readonly patience: Patience
  readonly #subject: ExecutorUnderTest
  readonly #end = new AbortController()

  private constructor(subject: ExecutorUnderTest, switchboard: Switchboard, patience: Patience) {
    this.#subject = subject
    this.executor = subject.executor
    this.runtimeVariables = ['LAMBDA_TASK_ROOT', 'AWS_EXECUTION_ENV', ...(subject.runtimeVariables ?? [])]
    this.switchboard = switchboard
    this.patience = patience
  }

  static async start(subject: ExecutorUnderTest, patience: Patience): Promise<ExecutorTrial> {
    return new ExecutorTrial(subject, await Switchboard.open(patience), patience)
  }

  /** Runs a behaviour and returns the outcome of `execute`, within the suite's time limit. */
  async invoke(behaviour: FunctionBehaviour, event: unknown = {}, given: Given = {}): Promise<Outcome> {
    const outcome = this.execute(await this.build(behaviour), event, given)
    return this.within(`'${behaviour}' had no outcome`, outcome)
  }

  /** Returns the parsed response of a behaviour; fails for any other outcome. */
  async value(behaviour: FunctionBehaviour, event: unknown = {}, given: Given = {}): Promise<unknown> {
    return responseIn(await this.invoke(behaviour, event, given))
  }

  /** Returns the error of a behaviour; fails for any other outcome. */
  async error(behaviour: FunctionBehaviour, event: unknown = {}, given: Given = {}): Promise<LambdaError> {
    return errorIn(await this.invoke(behaviour, event, given))
  }

  /** Runs the function that obeys, and resolves when it has connected. */
  async obeying(given: Given = {}): Promise<Underway> {
    const outcome = this.start(await this.build('obey'), given)
    return { outcome, line: await this.switchboard.next() }
  }

  /** Like {@link obeying} with a warm worker, so that its start does not count against the time limit. */
  async obeyingWarm(given: Given = {}): Promise<Underway> {
    const { outcome, line } = await this.obeying({ ...given, timeLimitMs: 60_000 })
    line.tell('answer')
    assert.equal(responseIn(await this.within("'answer' had no outcome", outcome)), 'answered')
    return this.obeying(given)
  }

  /** Runs the function that obeys, which may have to wait. */
  start(build: FunctionBuild, given: Given = {}): Promise<Outcome> {
    const outcome = this.execute(build, { port: this.switchboard.port }, given)
    // The caller awaits it later; until then a rejection must not count as unhandled.
    outcome.catch(() => {})
    return outcome
  }

  /** Fails if functions share the suite's event loop, which `danger` would end. */
  async runsApart(danger: string): Promise<void> {
    const { outcome, line } = await this.obeying({ environmentId: 'apart' })
    line.refuseShared(danger)
    line.tell('answer')
    await this.within("'answer' had no outcome", outcome)
  }

  /** Checks that an environment has a new worker after its last one had to end: its function obeys. */
  async obeysAgain(given: Given = {}): Promise<void> {
    const { outcome, line } = await this.obeying(given)
    line.tell('answer')
    assert.equal(responseIn(await this.within('The next invocation had no outcome', outcome)), 'answered')
  }

  /** Returns the error of an invocation under way; fails for any other outcome. */
  async failure({ outcome }: Underway): Promise<LambdaError> {
    return errorIn(await this.within('There was no outcome', outcome))
  }

  /** Returns the response of an invocation under way; fails for any other outcome. */
  async answer({ outcome }: Underway): Promise<unknown> {
    return responseIn(await this.within('There was no outcome', outcome))
  }

  execute(build: FunctionBuild, event: unknown, given: Given = {}): Promise<Outcome> {
    const { timeLimitMs = 60_000, signal, env, ...changes } = given
    const task: Task = {
      functionId: 'conformance',
      environmentId: 'one',
      build,
      event: new TextEncoder().encode(JSON.stringify(event)),
      context: CONTEXT,
      env: this.environment(env),
      deadline: Date.now() + timeLimitMs,
      onLog() {},
      ...changes,
    }
    const end = this.#end.signal
    return this.executor.execute(task, { signal: signal ? AbortSignal.any([signal, end]) : end })
  }

  /** All variables of a function: the given ones or {@link ENVIRONMENT}, and the subject's. */
  environment(own: Task['env'] = ENVIRONMENT): Task['env'] {
    return { ...own, ...this.#subject.variables }
  }

  async build(behaviour: FunctionBehaviour): Promise<FunctionBuild> {
    return (await this.#subject.functionOf?.(behaviour)) ?? moduleOf(behaviour)
  }

  within<T>(what: string, promise: Promise<T>): Promise<T> {
    return this.patience.within(what, promise)
  }

  /** Waits for a rejection with this code. */
  async rejects(code: TetherErrorCode, promise: Promise<unknown>): Promise<TetherError> {
    const ended = promise.then(
      () => undefined,
      (reason: unknown) => reason ?? new Error('rejected with nothing'),
    )
    const error = await this.within('execute() did not settle', ended)
    assert(error !== undefined, `execute() resolved; ${code} was to be thrown.`)
    assert(error instanceof TetherError, `execute() threw no TetherError but ${String(error)}`)
    assert.equal(error.code, code, `execute() threw ${error.code}, not ${code}: ${error.message}`)
    return error
  }

  /** Releases everything. Other tests check that closing works, so its result is ignored here. */
  async end(): Promise<void> {
    await this.switchboard.close()
    this.#end.abort()
    await this.within('close() did not resolve', this.executor.close()).catch(() => {})
    await this.#subject.close?.()
  }
}

function moduleOf(behaviour: FunctionBehaviour): FunctionBuild {
  if (behaviour === 'fail-at-start' || behaviour === 'exit-at-start') {
    return { kind: 'file', path: runFile(behaviour), exportName: 'handler' }
  }
  return { kind: 'file', path: runFile('conformance-functions'), exportName: behaviour }
}
