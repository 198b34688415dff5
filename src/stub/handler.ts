import type { CallInput } from '../core/caller.js'
import { Caller, type CallerOptions, type OnSessionLost } from '../core/caller.js'
import { type Clock, checkDuration } from '../core/clock.js'
import { TetherError } from '../core/errors.js'
import type { LambdaContext } from '../core/executor.js'
import type { Handler } from '../core/function-source.js'
import { rootKey } from '../core/seal.js'
import { checkPart, checkTransport, type Transport } from '../core/transport.js'
import { httpResponse, isHttpEvent } from './http-event.js'
import { toThrown } from './remote-error.js'
import { travellingEnvironment } from './travelling-environment.js'

/**
 * What an invocation becomes when no session takes it: `throw` an error (event sources retry), `respond` with an
 * HTTP 503 that explains itself (HTTP-shaped events; others throw), `passthrough` to the original code, or `auto`:
 * passthrough where there is one, respond for HTTP, else throw.
 */
export type OnNobody = 'auto' | 'throw' | 'respond' | 'passthrough'

export interface StubOptions {
  readonly app: string
  readonly stage: string
  /** The session it speaks to. @default 'default' */
  readonly session?: string
  /** The session's key. */
  readonly key: string | Uint8Array
  /** What the session knows the function as. @default the Lambda function's name */
  readonly functionId?: string
  readonly transport: Transport
  /** How long silence may last before nobody is there, in milliseconds. @default 3,000 */
  readonly ackTimeoutMs?: number
  /** How long connecting may take, in milliseconds. @default 5,000 */
  readonly connectTimeoutMs?: number
  /** The wait ends this long before the function's own time-out, in milliseconds. @default 500 */
  readonly deadlineMarginMs?: number
  /** @default 'auto' */
  readonly onNobody?: OnNobody
  /** What happens when the session that ran an invocation is replaced: run it again, or fail. @default 'rerun' */
  readonly onSessionLost?: OnSessionLost
  /** The original code, for `passthrough`. */
  readonly passthrough?: Handler
  /** @default process.env, read at each invocation */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** @default the machine's clock */
  readonly clock?: Clock
}

/** A Lambda handler that has a session do the work. */
export interface StubHandler {
  (event: unknown, context: LambdaContext): Promise<unknown>
  /** Closes the connection, for hosts that end in an orderly way. Lambda never calls it. */
  close(): Promise<void>
}

/** Nothing ran: another outcome may take its place. */
const NOBODY = ['NO_SESSION', 'UNREACHABLE', 'DECLINED']

/**
 * Makes the handler that stands in for a function. Connects at the first invocation.
 * @throws TetherError `INVALID_OPTION`. The handler throws what local code threw, or a TetherError with `NO_SESSION`,
 * `UNREACHABLE`, `DECLINED`, `SESSION_LOST`, `DEADLINE` or `TOO_LARGE`
 */
export function createStub(options: StubOptions): StubHandler {
  const callerOptions = checkOptions(options)
  const { onNobody = 'auto', passthrough } = options
  let caller: Caller | undefined

  const handler = async (event: unknown, context: LambdaContext): Promise<unknown> => {
    // The open connection is no reason to wait after the response.
    context.callbackWaitsForEmptyEventLoop = false
    caller ??= new Caller(callerOptions)
    try {
      const outcome = await caller.call(callInput(options, event, context))
      if (outcome.kind === 'error') throw toThrown(outcome.error)
      return parsed(outcome.body)
    } catch (error) {
      if (!(error instanceof TetherError)) throw error
      if (NOBODY.includes(error.code)) {
        if (passthrough !== undefined && (onNobody === 'auto' || onNobody === 'passthrough')) {
          return runOriginal(passthrough, event, context)
        }
        if (onNobody !== 'throw' && isHttpEvent(event)) {
          return httpResponse(503, { message: error.message, code: error.code })
        }
      }
      throw named(error)
    }
  }
  return Object.assign(handler, { close: async () => caller?.close() })
}

function callInput(options: StubOptions, event: unknown, context: LambdaContext): CallInput {
  const env = options.env ?? process.env
  return {
    functionId: options.functionId ?? context.functionName,
    event: Buffer.from(JSON.stringify(event ?? null)),
    context: {
      // Whoever calls the handler by hand may leave some out.
      awsRequestId: String(context.awsRequestId ?? ''),
      functionName: String(context.functionName ?? ''),
      functionVersion: String(context.functionVersion ?? ''),
      invokedFunctionArn: String(context.invokedFunctionArn ?? ''),
      memoryLimitInMB: String(context.memoryLimitInMB ?? ''),
      logGroupName: String(context.logGroupName ?? ''),
      logStreamName: String(context.logStreamName ?? ''),
      ...present('clientContext', context.clientContext),
      ...present('identity', context.identity),
      ...present('tenantId', context.tenantId),
      ...present('traceId', env._X_AMZN_TRACE_ID),
    },
    env: travellingEnvironment(env),
    remainingMs: context.getRemainingTimeInMillis(),
  }
}

function present<K extends string, V>(name: K, value: V): { [key in K]?: NonNullable<V> } {
  return (value === undefined || value === null ? {} : { [name]: value }) as { [key in K]?: NonNullable<V> }
}

// The handlers of Node that this package runs answer JSON; a runtime of somebody's own may answer anything.
function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch (cause) {
    const message = `Local code answered with ${body.length} bytes that are no JSON, which is all that a stub can return.`
    throw new TetherError('EXECUTION_FAILED', message, { cause })
  }
}

// A callback-style original is given its callback; what calls it first settles.
function runOriginal(original: Handler, event: unknown, context: LambdaContext): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const callback = (error?: unknown, result?: unknown) => (error == null ? resolve(result) : reject(error))
    const returned: unknown = original(event, context, callback)
    if (original.length < 3 || typeof (returned as PromiseLike<unknown>)?.then === 'function')
      resolve(returned)
  })
}

// The runtime reports an error by its name, so that the name tells what happened.
function named(error: TetherError): TetherError {
  Object.defineProperty(error, 'name', { value: `LambdaTether.${error.code}` })
  return error
}

function checkOptions(options: StubOptions): CallerOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TetherError('INVALID_OPTION', 'createStub() takes an object: { app, stage, key, transport }.')
  }
  const {
    app,
    stage,
    session = 'default',
    transport,
    onNobody = 'auto',
    onSessionLost = 'rerun',
    passthrough,
  } = options
  for (const [name, value] of Object.entries({ app, stage, session })) checkPart(name, value)
  checkTransport(transport)
  checkChoice('onNobody', onNobody, ['auto', 'throw', 'respond', 'passthrough'])
  checkChoice('onSessionLost', onSessionLost, ['rerun', 'fail'])
  if (onNobody === 'passthrough' && typeof passthrough !== 'function') {
    throw new TetherError(
      'INVALID_OPTION',
      "'onNobody' is 'passthrough', so 'passthrough' must be the original handler.",
    )
  }
  return {
    app,
    stage,
    session,
    key: rootKey(options.key),
    transport,
    onSessionLost,
    ackTimeoutMs: checkDuration('ackTimeoutMs', options.ackTimeoutMs ?? 3_000),
    connectTimeoutMs: checkDuration('connectTimeoutMs', options.connectTimeoutMs ?? 5_000),
    deadlineMarginMs: checkDuration('deadlineMarginMs', options.deadlineMarginMs ?? 500),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  }
}

/** Checks an option that has few values. @throws TetherError `INVALID_OPTION` */
export function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return
  throw new TetherError(
    'INVALID_OPTION',
    `'${name}' must be one of ${choices.join(', ')}, not ${String(value)}.`,
  )
}
