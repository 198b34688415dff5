import { isThenable } from '../../core/base/deferred.js'
import type { Handler, InvocationContext, LambdaContext } from '../../core/contracts/handler.js'
import { runtimeError } from './runtime-errors.js'

/** aws-lambda-ric 4, the client of nodejs24.x, adds the trace id. */
const HAS_TRACE_ID = Number.parseInt(process.versions.node, 10) >= 24

/** How a handler ended: with a value, or with a thrown value. */
export type HandlerEnd = { readonly value: unknown } | { readonly thrown: unknown }

export interface HandlerCall {
  readonly handler: Handler
  readonly event: unknown
  readonly context: InvocationContext
  /** Unix milliseconds. */
  readonly deadline: number
  /** @default Date.now */
  readonly now?: () => number
  /** False if the event loop never becomes empty: then callbacks answer at once. @default true */
  readonly waitsForEmptyLoop?: boolean
  /** Called once, when the handler has ended. */
  readonly onEnd: (end: HandlerEnd) => void
}

/**
 * Calls a handler as Lambda's Node runtime does, in any style: a promise, a callback, a method of the context, or a
 * plain value. Returns a function to call when the event loop is empty. Callback-style handlers wait for that unless
 * told not to, and afterwards nothing else can end the invocation.
 */
export function callHandler(call: HandlerCall): () => void {
  const { handler, onEnd, waitsForEmptyLoop = true } = call
  let chosen = false
  let atEmptyLoop = () => choose(() => onEnd(isAsync(handler) ? { thrown: neverSettled() } : { value: null }))

  // The first end decides; later ones are ignored.
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
      // Like the Node 24 runtime; up to 22, a plain value is ignored, and the answer is null.
      done(null, returned)
    }
  } catch (thrown) {
    choose(() => onEnd({ thrown }))
  }
  return () => atEmptyLoop()
}

/** The context for all handlers, including streaming ones. */
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
 * Returns the response's JSON; `undefined` becomes `null`.
 * @throws an Error named `Runtime.MarshalError` for a value that JSON cannot hold
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

// The Node runtime's test of whether a handler may end without an answer.
function isAsync(handler: Handler): boolean {
  return handler.constructor.name === 'AsyncFunction'
}

function neverSettled(): Error {
  return runtimeError(
    'NodeJsExit',
    'The event loop is empty, and the promise that the handler returned was never settled.',
  )
}
