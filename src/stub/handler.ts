import { type Clock, systemClock } from '../core/base/clock.js'
import { defined } from '../core/base/defined.js'
import { TetherError } from '../core/base/errors.js'
import {
  checkClock,
  checkDuration,
  checkFlag,
  checkFunction,
  checkText,
  oneOf,
} from '../core/base/option-checks.js'
import { checkOptions, invalidOption, isObject, mustBe, required } from '../core/base/options.js'
import { Caller } from '../core/caller/caller.js'
import type { CallerOptions, OnSessionLost } from '../core/caller/options.js'
import type { Handler, LambdaContext } from '../core/contracts/handler.js'
import {
  isStreaming,
  type LambdaResponseStream,
  type StreamingHandler,
  streamified,
} from '../core/contracts/response-stream.js'
import { checkName, checkPart, checkTransport, type Transport } from '../core/contracts/transport.js'
import { checkTeam } from '../core/sharing/take.js'
import { checkStubKey, readStubKey } from '../core/wire/stub-key.js'
import { callFacts, eventJson } from './call-input.js'
import { EnvironmentReader } from './environment-reader.js'
import { callOrFallback, type OnNobody, returning, throwIfExpired } from './outcome.js'
import { streaming, writeValue } from './streaming/write-outcome.js'

/** Options common to streaming and other stubs; see {@link createStub}. */
export interface CommonStubOptions {
  readonly app: string
  readonly stage: string
  /** The session that the stub connects to. @default 'default' */
  readonly session?: string | undefined
  /**
   * Names of the sessions that share the stage, at most seven. An invocation goes to the first session with a card that
   * takes it; a team of one gets every invocation. Replaces `session`. Needs a broker that keeps the sessions' cards.
   */
  readonly team?: readonly string[] | undefined
  /** The key that `stubKey()` derives from the session's key. */
  readonly key: string
  /**
   * The session's name for the function; the key must be made for the same id.
   * @default the Lambda function's name
   */
  readonly functionId?: string | undefined
  readonly transport: Transport
  /**
   * How long the session may be silent before it acknowledges, in milliseconds; at most half of the time left, and up to
   * four times as long if the broker reports a session. After that it counts as absent. @default 3,000
   */
  readonly ackTimeoutMs?: number | undefined
  /** Limit for connecting, in milliseconds; at most half of the time left. @default 5,000 */
  readonly connectTimeoutMs?: number | undefined
  /** How long before the function's own time-out the stub stops waiting, in milliseconds. @default 500 */
  readonly deadlineMarginMs?: number | undefined
  /** @default 'auto' */
  readonly onNobody?: OnNobody | undefined
  /** Policy when the session that ran an invocation is replaced: run it again, or fail. @default 'rerun' */
  readonly onSessionLost?: OnSessionLost | undefined
  /**
   * End of the live period, in Unix milliseconds. Afterwards the stub sends nothing and acts as without a session.
   * @default never
   */
  readonly liveUntil?: number | undefined
  /**
   * Variables for local code, read at each invocation. @default process.env, read at most once a second, and when its
   * session token has changed
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Injected clock. @default the machine's clock */
  readonly clock?: Clock | undefined
}

/** Options of {@link createStub}. */
export interface StubOptions extends CommonStubOptions {
  /** The original code, for `passthrough`. */
  readonly passthrough?: Handler | undefined
  /**
   * Whether the stub streams its responses. A streaming stub is called with a stream, as for
   * `awslambda.streamifyResponse`, and takes {@link StreamingStubOptions}. Otherwise output that local code streams is
   * collected, up to Lambda's 6 MB.
   * @default false
   */
  readonly streaming?: false | undefined
}

/**
 * Options of {@link createStub} for a function that streams its responses. The choice is permanent: Lambda asks when it
 * loads the handler.
 */
export interface StreamingStubOptions extends CommonStubOptions {
  /** Streamed output of local code is forwarded as it arrives; a returned value is written as Lambda would send it. */
  readonly streaming: true
  /** The original code, for `passthrough`. It receives the stub's own stream if it is marked as a streaming handler. */
  readonly passthrough?: StreamingHandler | Handler | undefined
}

/** A Lambda handler that forwards its invocations to a session. */
export interface StubHandler {
  // biome-ignore lint/suspicious/noExplicitAny: local code may answer any value, and the stub must fit any handler type
  (event: unknown, context: LambdaContext): Promise<any>
  /** Closes the connection, for hosts that end in an orderly way. Lambda never calls it. */
  close(): Promise<void>
}

/** A Lambda handler that streams a session's answers. It carries the mark of `awslambda.streamifyResponse`. */
export interface StreamingStubHandler {
  // biome-ignore lint/suspicious/noExplicitAny: the runtime's stream; its type is in @types/aws-lambda
  (event: unknown, responseStream: any, context: LambdaContext): Promise<void>
  /** Closes the connection, as {@link StubHandler}'s does. */
  close(): Promise<void>
}

/**
 * Makes the handler that stands in for a function. Connects at the first invocation.
 * @throws TetherError `INVALID_OPTION`. The handler rethrows errors of local code, before or after the first byte, or
 * throws a TetherError with `NO_SESSION`, `UNREACHABLE`, `DECLINED`, `SESSION_LOST`, `DEADLINE` or `TOO_LARGE`
 */
export function createStub(options: StubOptions): StubHandler
export function createStub(options: StreamingStubOptions): StreamingStubHandler
export function createStub(options: StubOptions | StreamingStubOptions): StubHandler | StreamingStubHandler {
  return stubHandler(options, JSON.parse)
}

/**
 * Like {@link createStub}, with a parser of its own.
 * @param parse parses an answer's JSON
 * @throws as {@link createStub}
 */
export function stubHandler(
  options: StubOptions | StreamingStubOptions,
  parse: (json: string) => unknown,
): StubHandler | StreamingStubHandler {
  const callerOptions = checkStubOptions(options)
  const { onNobody = 'auto', liveUntil, functionId, clock = systemClock } = options
  const environment = new EnvironmentReader(options.env ?? process.env, clock)
  let caller: Caller | undefined
  const close = async () => caller?.close()

  /** Prepares a call that runs the invocation in the session. */
  const calling = (event: unknown, context: LambdaContext, streams: boolean) => {
    if (typeof context?.getRemainingTimeInMillis !== 'function') {
      const takes = streams ? 'an event, a response stream and a context' : 'an event and a context'
      throw invalidOption('context', `is none of Lambda: a stub is called with ${takes}, as by Lambda`)
    }
    // An open connection must not delay the end of the invocation.
    context.callbackWaitsForEmptyEventLoop = false
    return async () => {
      throwIfExpired(liveUntil, clock.now())
      caller ??= new Caller(callerOptions)
      const facts = callFacts(context, environment, functionId)
      return caller.call({ ...facts, event: Buffer.from(eventJson(event)), streams })
    }
  }

  if (options.streaming) {
    const { passthrough } = options
    const handler = async (
      event: unknown,
      stream: LambdaResponseStream,
      context: LambdaContext,
    ): Promise<void> => {
      const call = calling(event, context, true)
      const original = passthrough && (() => streamOriginal(passthrough, event, stream, context))
      await callOrFallback(call, event, onNobody, streaming(stream, event, original))
    }
    return Object.assign(streamified(handler), { close })
  }
  const { passthrough } = options
  const handler = async (event: unknown, context: LambdaContext): Promise<unknown> => {
    const call = calling(event, context, false)
    const original = passthrough && (() => runOriginal(passthrough, event, context))
    return callOrFallback(call, event, onNobody, returning(original, parse))
  }
  return Object.assign(handler, { close })
}

/** Passes the original the real stream, or writes its returned value. */
async function streamOriginal(
  original: Handler | StreamingHandler,
  event: unknown,
  stream: LambdaResponseStream,
  context: LambdaContext,
): Promise<void> {
  if (isStreaming(original)) await original(event, stream, context)
  else await writeValue(stream, event, await runOriginal(original, event, context))
}

// A callback-style original gets a callback; the first call settles the promise.
function runOriginal(original: Handler, event: unknown, context: LambdaContext): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const callback = (error?: unknown, result?: unknown) => (error == null ? resolve(result) : reject(error))
    const returned: unknown = original(event, context, callback)
    if (original.length < 3 || typeof (returned as PromiseLike<unknown>)?.then === 'function')
      resolve(returned)
  })
}

function watches({ keeps, watches = keeps !== undefined }: Transport): boolean {
  return watches
}

/** @throws TetherError `INVALID_OPTION` if both a session and a team are given */
export function checkOneOfBoth({ session, team }: Pick<StubOptions, 'session' | 'team'>): void {
  if (session !== undefined && team !== undefined)
    throw new TetherError(
      'INVALID_OPTION',
      "Give either 'session' or 'team', not both: a team of one is a session.",
    )
}

const DEFAULTS = {
  session: 'default',
  ackTimeoutMs: 3_000,
  connectTimeoutMs: 5_000,
  deadlineMarginMs: 500,
  onSessionLost: 'rerun',
} as const

type Checked = Omit<StreamingStubOptions, 'streaming'> & { readonly streaming?: boolean | undefined }

/**
 * Checks a stub's options and fills in their defaults.
 * @throws TetherError `INVALID_OPTION`
 */
export function checkStubOptions(options: StubOptions | StreamingStubOptions): CallerOptions {
  checkOptions<Checked>('createStub', options, {
    app: required(checkPart),
    stage: required(checkPart),
    session: checkName,
    team: checkTeam,
    key: required(checkStubKey),
    functionId: checkText,
    transport: required(checkTransport),
    ackTimeoutMs: checkDuration,
    connectTimeoutMs: checkDuration,
    deadlineMarginMs: checkDuration,
    onNobody: oneOf('auto', 'throw', 'respond', 'passthrough'),
    onSessionLost: oneOf('rerun', 'fail'),
    passthrough: checkFunction,
    streaming: checkFlag,
    liveUntil: checkDuration,
    env: (name, value) => mustBe('an object of variables', isObject(value), name, value),
    clock: checkClock,
  })
  if (options.onNobody === 'passthrough' && options.passthrough === undefined)
    throw invalidOption('passthrough', "must be the original handler, as 'onNobody' is 'passthrough'")
  if (options.passthrough !== undefined && isStreaming(options.passthrough) && options.streaming !== true)
    throw invalidOption('streaming', "must be true, as the 'passthrough' handler streams its response")
  const { team, ...others } = options
  checkOneOfBoth(options)
  if (team !== undefined && team.length > 1 && !watches(options.transport))
    throw invalidOption(
      'team',
      `needs a broker that keeps what sessions take, and transport '${options.transport.name}' keeps nothing here`,
    )
  const named = team === undefined ? {} : team.length > 1 ? { team } : { session: team[0]! }
  return { ...DEFAULTS, ...defined(others), ...named, key: readStubKey('key', options.key) }
}
