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
  /** Loads the function's own handler. @throws what its module throws */
  load(): Promise<Handler>
  /** Starts the stub. */
  start(): Pick<StubThread, 'call' | 'mirror' | 'close'>
  /** A line for the function's log. */
  warn(text: string): void
  readonly clock?: Clock
}

type Settings = StubConfiguration & { readonly clock: Clock }
type AnyHandler = (...args: never[]) => unknown

// Not Buffer.from(): posting a pooled buffer to the thread would copy its whole pool.
const encoder = new TextEncoder()
/** @default of `mirrorMaxBytes` */
const MIRROR_MAX_BYTES = 100_000
/** The first Node runtime that takes whatever a handler returns for its answer. */
const PLAIN_VALUES_SINCE = 24

/**
 * A function's own handler with the stub in front. Where anything is wrong with the stub, or its time is over, it is the
 * handler itself.
 *
 * The original is loaded at once, not when it is first needed: so it starts within the time and with the processor that
 * Lambda gives a start, and a function that nobody is attached to is as quick as ever.
 * @throws what the original's module throws, where that would answer
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
    // Local code may be the very thing that mends it.
    const broken = () => {
      throw error
    }
    return live(settings.streaming ? streamified(broken) : broken, thread, settings, environment)
  }
  return live(original, thread, settings, environment)
}

/** The session answers; the original where none is there, which gets the runtime's own stream where it streams. */
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
      // Before the original has it, who may change it.
      const event = copyWithin(args[0], mirrorMaxBytes)
      thread.mirror(facts, event === undefined ? 'metadata' : 'event', event ?? 'null')
    } catch {
      // Whatever it was, the function is not to know.
    }
    return runOriginal()
  })
}

/** A handler that looks to the runtime as the original does: its parameters, its being async, its marks. */
function inFrontOf(
  original: Handler,
  run: (args: readonly unknown[], runOriginal: () => unknown) => unknown,
): Handler {
  return new Proxy(original as AnyHandler, {
    apply: (target, self, args) => run(args, () => Reflect.apply(target, self, args)),
  }) as Handler
}

/** Lets the original end the invocation as it would alone: by what it returns, or by the runtime's own callback and context. */
function asAnswer(runOriginal: () => unknown): Promise<unknown> {
  return new Promise((resolve) => {
    const returned = runOriginal()
    const takesAny = Number.parseInt(process.versions.node, 10) >= PLAIN_VALUES_SINCE
    // Else the callback, the context or the empty event loop does it, which no promise may forestall.
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

/** A streaming handler has the stream before it. */
function contextOf(original: Handler, args: readonly unknown[]): LambdaContext {
  return args[isStreaming(original) ? 2 : 1] as LambdaContext
}
