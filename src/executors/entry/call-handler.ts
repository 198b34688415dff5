import { isThenable } from '../../core/base/deferred.js'
import type { Handler, InvocationContext, LambdaContext } from '../../core/contracts/handler.js'
import { runtimeError } from './runtime-errors.js'

/** As aws-lambda-ric 4 has it, which nodejs24.x runs. */
const HAS_TRACE_ID = Number.parseInt(process.versions.node, 10) >= 24

/** How a handler ended: with a value, or with whatever it threw. */
export type HandlerEnd = { readonly value: unknown } | { readonly thrown: unknown }

export interface HandlerCall {
  readonly handler: Handler
  readonly event: unknown
  readonly context: InvocationContext
  /** Unix milliseconds. */
  readonly deadline: number
  /** @default Date.now */
  readonly now?: () => number
  /** False where the event loop never runs empty: callbacks then answer at once. @default true */
  readonly waitsForEmptyLoop?: boolean
  /** Called once, when the handler has ended. */
  readonly onEnd: (end: HandlerEnd) => void
}

/**
 * Calls a handler as Lambda's Node runtime does, whatever its style: a promise, a callback, a method of the
 * context, or a plain value. Returns what to call when the event loop has run empty, on which the callback
 * style waits, unless told not to, and after which nothing else can end the invocation.
 */
export function callHandler(call: HandlerCall): () => void {
  const { handler, onEnd, waitsForEmptyLoop = true } = call
  let chosen = false
  let atEmptyLoop = () => choose(() => onEnd(isAsync(handler) ? { thrown: neverSettled() } : { value: null }))

  // The first to end the invocation does; what comes later is ignored.
  const choose = (action: () => void) => {
    if (chosen) return
    chosen = true
    action()
  }
  const done = (error: unknown, value?: unknown) =>
    choose(() => onEnd(error === undefined || error === null ? { value } : { thrown: error }))
  const callback = (error?: unknown, value?: unknown) => {
    if (
      !waitsForEmptyLoop ||
      !context.callbackWaitsForEmptyEventLoop ||
      (error !== undefined && error !== null)
    ) {
      done(error, value)
      return
    }
    choose(() => {
      atEmptyLoop = () => onEnd({ value })
    })
  }

  const context: LambdaContext = {
    ...baseContext(call),
    done,
    fail: (error) => done(error ?? 'handled'),
    succeed: (value) => done(null, value),
  }

  try {
    const returned: unknown = handler(call.event, context, callback)
    if (isThenable(returned)) {
      returned.then(
        (value) => done(null, value),
        (thrown) => choose(() => onEnd({ thrown })),
      )
    } else if (handler.length < 3 && (returned !== undefined || !waitsForEmptyLoop)) {
      // As the Node 24 runtime does; up to 22 a plain value is ignored, and the answer is null.
      done(null, returned)
    }
  } catch (thrown) {
    choose(() => onEnd({ thrown }))
  }
  return () => atEmptyLoop()
}

/** What of the context every handler has, a streaming one included. */
export function baseContext({
  context: { traceId, ...data },
  deadline,
  now = Date.now,
}: Pick<HandlerCall, 'context' | 'deadline' | 'now'>): Omit<LambdaContext, 'done' | 'fail' | 'succeed'> {
  return {
    ...data,
    ...(HAS_TRACE_ID && { xRayTraceId: traceId }),
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - now(),
  }
}

/**
 * The response's JSON; `undefined` becomes `null`.
 * @throws an Error named `Runtime.MarshalError` for what JSON cannot hold
 */
export function serialiseResponse(value: unknown): Uint8Array<ArrayBuffer> {
  let json: string | undefined
  try {
    json = JSON.stringify(value)
  } catch (error) {
    const from = error instanceof Error ? error : undefined
    throw runtimeError(
      'MarshalError',
      `Unable to stringify response body: ${from?.message ?? String(error)}`,
      from,
    )
  }
  return new TextEncoder().encode(json ?? 'null')
}

// As the Node runtime decides whether a handler may end without an answer.
function isAsync(handler: Handler): boolean {
  return handler.constructor.name === 'AsyncFunction'
}

function neverSettled(): Error {
  return runtimeError(
    'NodeJsExit',
    'The event loop is empty, and the promise that the handler returned was never settled.',
  )
}
