import { randomUUID } from 'node:crypto'
import { systemClock } from './core/base/clock.js'
import { defined } from './core/base/defined.js'
import { HandlerError, throwIfAborted } from './core/base/errors.js'
import { checkDuration, checkFunction, checkSignal } from './core/base/option-checks.js'
import { checkOptions, invalidOption, isObject, mustBe } from './core/base/options.js'
import type { BuildOptions } from './core/contracts/build-options.js'
import type { Answer, Executor, LogEntry } from './core/contracts/executor.js'
import type { InvocationContext } from './core/contracts/handler.js'
import type { AbortOptions } from './core/contracts/transport.js'
import { collectedAnswer } from './core/payload/collected-stream.js'
import {
  checkExecutor,
  checkTarget,
  checkVariables,
  type FunctionTarget,
  sourceOfTarget,
} from './core/session/functions/target.js'
import { inline } from './executors/inline.js'
import { sourceOf } from './sources/spec.js'

/** Options of {@link invokeLocally}. */
export interface InvokeLocallyOptions extends AbortOptions {
  /** Runs the function; it stays open. @default worker threads for paths and sources, and this process for handlers */
  readonly executor?: Executor | undefined
  /** How to build a target that is a path to TypeScript. */
  readonly build?: BuildOptions | undefined
  /** The function's variables. A handler shares the variables of this process. @default none */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Fields to change in the context. @default the fixture's fields, else invented ones */
  readonly context?: Partial<InvocationContext> | undefined
  /** The function's time limit, in milliseconds. @default the time that it had when recorded, else 15 minutes */
  readonly timeoutMs?: number | undefined
  /** Takes each line that the function writes. @default written to this process's own output */
  readonly onLog?: ((entry: LogEntry) => void) | undefined
}

const LONGEST_MS = 15 * 60_000
const FUNCTION_ID = 'function'

/**
 * Runs a function with a fixture, without a session or a broker: for unit tests. The target is as in `session.serve`.
 * The fixture is an event, or a whole record from `toFixture(record, { whole: true })`; the run gets the record's
 * context and time limit. Closes everything that it opens.
 * @returns the response; a streamed response is collected
 * @throws HandlerError if the function fails; TetherError `INVALID_OPTION`, `BUILD_FAILED`, `UNSUPPORTED`, `ABORTED`
 */
export async function invokeLocally<R = unknown>(
  target: FunctionTarget,
  fixture: unknown,
  options: InvokeLocallyOptions = {},
): Promise<R> {
  const { executor, build, env = {}, context, timeoutMs, onLog = write, signal } = checkInvokeOptions(options)
  throwIfAborted(signal)
  checkTarget('target', target)
  if (typeof target === 'function' && options.env !== undefined && executor === undefined)
    throw invalidOption('env', 'changes nothing for a handler, which shares the variables of this process')
  const { event, recorded } = fixtureOf(fixture)
  const source = sourceOfTarget('target', { target }, { sourceOf: localSource, inline }, build)
  const runs = executor ?? (await executorFor(target))
  try {
    const outcome = await runs.execute(
      {
        functionId: FUNCTION_ID,
        environmentId: 'local',
        build: await source.load(),
        event,
        context: { ...madeUpContext(), ...recorded?.context, ...context },
        env: {},
        overrides: defined(env) as Record<string, string>,
        deadline: systemClock.now() + (timeoutMs ?? (recorded?.timing?.limitMs || LONGEST_MS)),
        onLog,
      },
      signal === undefined ? {} : { signal },
    )
    return responseOf(await collectedAnswer(outcome)) as R
  } finally {
    if (executor === undefined) await runs.close()
    if (typeof target === 'string') await source.close?.()
  }
}

function checkInvokeOptions(options: InvokeLocallyOptions): InvokeLocallyOptions {
  return checkOptions<InvokeLocallyOptions>('invokeLocally', options, {
    executor: checkExecutor,
    build: (name, value) => mustBe('an object of build options', isObject(value), name, value),
    env: checkVariables,
    context: (name, value) => mustBe('an object of context fields', isObject(value), name, value),
    timeoutMs: checkDuration,
    onLog: checkFunction,
    signal: checkSignal,
  })
}

function localSource(target: string, build: BuildOptions | undefined) {
  return sourceOf(target, { cwd: process.cwd(), build })
}

// Loaded on demand: hosts that never run a path start faster.
async function executorFor(target: FunctionTarget): Promise<Executor> {
  if (typeof target === 'function') return inline()
  const { workerThreads } = await import('./executors/worker-thread.js')
  return workerThreads({ spares: 0 })
}

/** The fields of a whole record that a run needs. */
interface RecordedFixture {
  readonly eventBytes?: Uint8Array
  readonly event?: unknown
  readonly eventBase64?: string
  readonly context: Partial<InvocationContext>
  readonly timing?: { readonly limitMs?: number }
}

function fixtureOf(fixture: unknown): { event: Uint8Array; recorded?: RecordedFixture } {
  if (!isRecord(fixture)) return { event: jsonBytes(fixture) }
  const { eventBytes, eventBase64, event } = fixture
  const bytes = eventBytes ?? (eventBase64 === undefined ? undefined : Buffer.from(eventBase64, 'base64'))
  return { event: bytes ?? jsonBytes(event), recorded: fixture }
}

// Recognised by a combination of fields that events do not have.
function isRecord(fixture: unknown): fixture is RecordedFixture {
  if (!isObject(fixture)) return false
  const { functionId, context, logs, redacted } = fixture as Record<string, unknown>
  return typeof functionId === 'string' && isObject(context) && Array.isArray(logs) && Array.isArray(redacted)
}

function jsonBytes(event: unknown): Uint8Array {
  const text: string | undefined = JSON.stringify(event)
  if (text === undefined) throw invalidOption('fixture', 'must be an event, which is JSON, or a record')
  return Buffer.from(text)
}

function madeUpContext(): InvocationContext {
  return {
    awsRequestId: randomUUID(),
    functionName: FUNCTION_ID,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${FUNCTION_ID}`,
    memoryLimitInMB: '128',
    logGroupName: `/aws/lambda/${FUNCTION_ID}`,
    logStreamName: 'local',
  }
}

function responseOf(answer: Answer): unknown {
  if (answer.kind === 'error') throw new HandlerError(answer.error)
  return JSON.parse(Buffer.from(answer.body).toString('utf8'))
}

function write({ stream, text }: LogEntry): void {
  process[stream].write(`${text}\n`)
}
