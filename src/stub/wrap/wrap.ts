import { type Clock, systemClock } from '../../core/base/clock.js'
import type { Handler, LambdaContext } from '../../core/contracts/handler.js'
import { callFacts, eventJson } from '../call-input.js'
import { readStubEnvironment, type StubConfiguration } from '../configuration.js'
import { EnvironmentReader } from '../environment-reader.js'
import { callOrFallback, isExpired, throwIfExpired } from '../outcome.js'
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
// https://github.com/aws/aws-lambda-nodejs-runtime-interface-client: what awslambda.streamifyResponse marks a handler with.
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
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
    const broken: Handler = () => {
      throw error
    }
    return live(broken, thread, settings, environment)
  }
  if (isStreaming(original)) {
    options.warn('This function streams its response, which a session cannot: its own code runs.')
    void thread.close()
    return original
  }
  return live(original, thread, settings, environment)
}

/** The session answers; the original where none is there. */
function live(
  original: Handler,
  thread: Pick<StubThread, 'call'>,
  settings: Settings,
  environment: EnvironmentReader,
): Handler {
  const { functionId, liveUntil, clock, onNobody = 'auto' } = settings
  return inFrontOf(original, (args, runOriginal) => {
    if (isExpired(liveUntil, clock.now())) return runOriginal()
    const [event, context] = args as [unknown, LambdaContext]
    const call = async () =>
      thread.call({ ...callFacts(context, environment, functionId), event: encoder.encode(eventJson(event)) })
    return callOrFallback(call, event, onNobody, () => asAnswer(runOriginal))
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
  const contextAt = isStreaming(original) ? 2 : 1
  return inFrontOf(original, (args, runOriginal) => {
    if (isExpired(liveUntil, clock.now())) return runOriginal()
    try {
      const facts = callFacts(args[contextAt] as LambdaContext, environment, functionId)
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

function isStreaming(handler: Handler): boolean {
  return (handler as { [STREAMING]?: unknown })[STREAMING] !== undefined
}
