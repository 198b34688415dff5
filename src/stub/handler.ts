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

/** Options of {@link createStub}, of whatever kind the stub is. */
export interface CommonStubOptions {
  readonly app: string
  readonly stage: string
  /** The session it speaks to. @default 'default' */
  readonly session?: string | undefined
  /**
   * The names of the sessions that share the stage, at most seven: each invocation goes to the first whose card takes it, and with one
   * name to that. In place of `session`. Needs a broker that keeps what sessions take.
   */
  readonly team?: readonly string[] | undefined
  /** What `stubKey()` derives from the session's key. */
  readonly key: string
  /**
   * What the session knows the function as: what the key was made for.
   * @default the Lambda function's name
   */
  readonly functionId?: string | undefined
  readonly transport: Transport
  /** How long silence may last before nobody is there, in milliseconds; at most half of the time left. @default 3,000 */
  readonly ackTimeoutMs?: number | undefined
  /** How long connecting may take, in milliseconds; at most half of the time left. @default 5,000 */
  readonly connectTimeoutMs?: number | undefined
  /** The wait ends this long before the function's own time-out, in milliseconds. @default 500 */
  readonly deadlineMarginMs?: number | undefined
  /** @default 'auto' */
  readonly onNobody?: OnNobody | undefined
  /** What happens when the session that ran an invocation is replaced: run it again, or fail. @default 'rerun' */
  readonly onSessionLost?: OnSessionLost | undefined
  /** In Unix milliseconds: from then on nobody is asked, as if nobody were there. @default never */
  readonly liveUntil?: number | undefined
  /** Read at each invocation. @default process.env, read at most once a second, and when its session token has changed */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
}

/** Options of {@link createStub}. */
export interface StubOptions extends CommonStubOptions {
  /** The original code, for `passthrough`. */
  readonly passthrough?: Handler | undefined
  /**
   * Whether the stub streams its responses: then it is called with a stream, as `awslambda.streamifyResponse` says, and its options are
   * {@link StreamingStubOptions}. Without it, what local code streams is collected, up to Lambda's 6 MB.
   * @default false
   */
  readonly streaming?: false | undefined
}

/** Options of {@link createStub} for a function that streams its responses. It does for good: Lambda asks when it loads the handler. */
export interface StreamingStubOptions extends CommonStubOptions {
  /** What local code streams leaves as it comes; what it returns is written as Lambda would send it. */
  readonly streaming: true
  /** The original code, for `passthrough`. It gets the stub's own stream, where it is marked as one that streams. */
  readonly passthrough?: StreamingHandler | Handler | undefined
}

/** A Lambda handler that has a session do the work. */
export interface StubHandler {
  // biome-ignore lint/suspicious/noExplicitAny: whatever local code answers, so that it is a handler of any type
  (event: unknown, context: LambdaContext): Promise<any>
  /** Closes the connection, for hosts that end in an orderly way. Lambda never calls it. */
  close(): Promise<void>
}

/** A Lambda handler that streams what a session answers. It is marked as `awslambda.streamifyResponse` marks one. */
export interface StreamingStubHandler {
  // biome-ignore lint/suspicious/noExplicitAny: the runtime's stream, whose type @types/aws-lambda has
  (event: unknown, responseStream: any, context: LambdaContext): Promise<void>
  /** As of {@link StubHandler}. */
  close(): Promise<void>
}

/**
 * Makes the handler that stands in for a function. Connects at the first invocation.
 * @throws TetherError `INVALID_OPTION`. The handler throws what local code threw, before or after its first byte, or a TetherError with
 * `NO_SESSION`, `UNREACHABLE`, `DECLINED`, `SESSION_LOST`, `DEADLINE` or `TOO_LARGE`
 */
export function createStub(options: StubOptions): StubHandler
export function createStub(options: StreamingStubOptions): StreamingStubHandler
export function createStub(options: StubOptions | StreamingStubOptions): StubHandler | StreamingStubHandler {
  return stubHandler(options, JSON.parse)
}

/**
 * @param parse reads an answer's JSON
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

  /** Has the session run an invocation. */
  const calling = (event: unknown, context: LambdaContext, streams: boolean) => {
    if (typeof context?.getRemainingTimeInMillis !== 'function') {
      const takes = streams ? 'an event, a response stream and a context' : 'an event and a context'
      throw invalidOption('context', `is none of Lambda: a stub is called with ${takes}, as by Lambda`)
    }
    // The open connection is no reason to wait after the response.
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

/** Gives the original the real stream, or writes what it returns. */
async function streamOriginal(
  original: Handler | StreamingHandler,
  event: unknown,
  stream: LambdaResponseStream,
  context: LambdaContext,
): Promise<void> {
  if (isStreaming(original)) await original(event, stream, context)
  else await writeValue(stream, event, await runOriginal(original, event, context))
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

function watches({ keeps, watches = keeps !== undefined }: Transport): boolean {
  return watches
}

/** @throws TetherError `INVALID_OPTION` where both one session and a team are given */
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
