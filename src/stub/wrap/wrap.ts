import { type Clock, systemClock } from '../../core/base/clock.js'
import type { Handler, LambdaContext } from '../../core/contracts/handler.js'
import { isStreaming, type LambdaResponseStream, streamified } from '../../core/contracts/response-stream.js'
import { callFacts, eventJson } from '../call-input.js'
import { readStubEnvironment, type StubConfiguration } from '../configuration.js'
import { EnvironmentReader } from '../environment-reader.js'
import { callOrFallback, isExpired, returning, throwIfExpired } from '../outcome.js'
import { streaming } from '../streaming/write-outcome.js'
import { copyWithin } from './mirror-copy.js'
import type { StubThread } from './stub-thread.js'

export interface WrapOptions {
  /** The function's variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Loads the function's own handler. @throws the error of its module */
  load(): Promise<Handler>
  /** Starts the stub. */
  start(): Pick<StubThread, 'call' | 'mirror' | 'close'>
  /** Writes a line to the function's log. */
  warn(text: string): void
  readonly clock?: Clock
}

type Settings = StubConfiguration & { readonly clock: Clock }
type AnyHandler = (...args: never[]) => unknown

// Not Buffer.from(): posting a pooled buffer to the thread would copy its whole pool.
const encoder = new TextEncoder()
/** @default of `mirrorMaxBytes` */
const MIRROR_MAX_BYTES = 100_000
/** The first Node runtime that accepts any value returned by a handler as its answer. */
const PLAIN_VALUES_SINCE = 24

/**
 * Wraps a function's own handler with the stub. Returns the handler itself if the stub is misconfigured or cannot start,
 * or its live period is over.
 *
 * The original is loaded at once, not on first use: then it loads within the time and with the processor that Lambda
 * grants a cold start, and a function without a session is as quick as before.
 * @throws the error of the original's module, where the original would answer
 */
export async function wrapHandler(options: WrapOptions): Promise<Handler> {
  const settings = readSettings(options)
  const thread = settings === undefined ? undefined : startThread(options)
  if (settings === undefined || thread === undefined) return options.load()
  const environment = new EnvironmentReader(options.env, settings.clock)
  if (settings.mode === 'mirror') return mirrored(await options.load(), thread, settings, environment)
  let original: Handler
  try {
    original = await options.load()
  } catch (error) {
    // Local code may be the fix for that error.
    const broken = () => {
      throw error
    }
    return live(settings.streaming ? streamified(broken) : broken, thread, settings, environment)
  }
  return live(original, thread, settings, environment)
}

/** The session answers; without one, the original does, with the runtime's own stream if it streams. */
function live(
  original: Handler,
  thread: Pick<StubThread, 'call'>,
  settings: Settings,
  environment: EnvironmentReader,
): Handler {
  const { functionId, liveUntil, clock, onNobody = 'auto' } = settings
  const streams = isStreaming(original)
  return inFrontOf(original, (args, runOriginal) => {
    if (isExpired(liveUntil, clock.now())) return runOriginal()
    const [event] = args
    const call = async () => {
      const facts = callFacts(contextOf(original, args), environment, functionId)
      return thread.call({ ...facts, event: encoder.encode(eventJson(event)), streams })
    }
    const answering = streams
      ? streaming(args[1] as LambdaResponseStream, event, runOriginal)
      : returning(() => asAnswer(runOriginal))
    return callOrFallback(call, event, onNobody, answering)
  })
}

/** The original answers, and a copy of its event is sent. */
function mirrored(
  original: Handler,
  thread: Pick<StubThread, 'mirror'>,
  settings: Settings,
  environment: EnvironmentReader,
): Handler {
  const { functionId, liveUntil, clock, mirrorMaxBytes = MIRROR_MAX_BYTES } = settings
  return inFrontOf(original, (args, runOriginal) => {
    if (isExpired(liveUntil, clock.now())) return runOriginal()
    try {
      const facts = callFacts(contextOf(original, args), environment, functionId)
      // Copied before the original runs, which may change the event.
      const event = copyWithin(args[0], mirrorMaxBytes)
      thread.mirror(facts, event === undefined ? 'metadata' : 'event', event ?? 'null')
    } catch {
      // Errors of the stub must not reach the function.
    }
    return runOriginal()
  })
}

/** Returns a handler that looks like the original to the runtime: same parameters, same async nature, same marks. */
function inFrontOf(
  original: Handler,
  run: (args: readonly unknown[], runOriginal: () => unknown) => unknown,
): Handler {
  return new Proxy(original as AnyHandler, {
    apply: (target, self, args) => run(args, () => Reflect.apply(target, self, args)),
  }) as Handler
}

/**
 * Lets the original end the invocation in its own way: by its returned value, or by the runtime's callback and context.
 */
function asAnswer(runOriginal: () => unknown): Promise<unknown> {
  return new Promise((resolve) => {
    const returned = runOriginal()
    const takesAny = Number.parseInt(process.versions.node, 10) >= PLAIN_VALUES_SINCE
    // Else the callback, the context or the empty event loop ends the invocation; a promise must not pre-empt that.
    if (takesAny || typeof (returned as PromiseLike<unknown> | null)?.then === 'function') resolve(returned)
  })
}

function readSettings({ env, warn, clock = systemClock }: WrapOptions): Settings | undefined {
  try {
    const settings = readStubEnvironment(env)
    throwIfExpired(settings.liveUntil, clock.now())
    return { ...settings, clock }
  } catch (error) {
    warn(`The function's own code runs: ${(error as Error).message}`)
    return undefined
  }
}

function startThread({ start, warn }: WrapOptions): ReturnType<WrapOptions['start']> | undefined {
  try {
    return start()
  } catch (error) {
    warn(`The function's own code runs: ${String(error)}`)
    return undefined
  }
}

/** A streaming handler takes the stream before the context. */
function contextOf(original: Handler, args: readonly unknown[]): LambdaContext {
  return args[isStreaming(original) ? 2 : 1] as LambdaContext
}
