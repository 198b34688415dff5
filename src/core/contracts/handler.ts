/** The data of one invocation from the Lambda runtime: every field of `context` that is data. */
export interface InvocationContext {
  /** The AWS request id. The same on each of Lambda's retries of one asynchronous event. */
  readonly awsRequestId: string
  readonly functionName: string
  readonly functionVersion: string
  readonly invokedFunctionArn: string
  /** A decimal text, as on Lambda. */
  readonly memoryLimitInMB: string
  readonly logGroupName: string
  readonly logStreamName: string
  readonly clientContext?: unknown
  readonly identity?: unknown
  readonly tenantId?: string | undefined
  /** The invocation's `_X_AMZN_TRACE_ID`. */
  readonly traceId?: string | undefined
}

/** The context object that a handler receives; assignable to and from the `Context` of `@types/aws-lambda`. */
export interface LambdaContext extends Omit<InvocationContext, 'traceId' | 'clientContext' | 'identity'> {
  // biome-ignore lint/suspicious/noExplicitAny: its type is in @types/aws-lambda, which is not installed everywhere
  readonly clientContext?: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly identity?: any
  /** The invocation's `_X_AMZN_TRACE_ID`, from Node.js 24 on. */
  readonly xRayTraceId?: string | undefined
  callbackWaitsForEmptyEventLoop: boolean
  /** Until the function's deadline. */
  getRemainingTimeInMillis(): number
  /** Ends the invocation as a callback does. */
  done(error?: unknown, result?: unknown): void
  /** Ends it with an error. */
  fail(error: unknown): void
  /** Ends it with a response. */
  succeed(result: unknown): void
}

/**
 * A Lambda handler: called with the parsed event; the value that it returns or resolves to is the response. Accepts
 * handlers of `@types/aws-lambda` and of middy.
 */
// biome-ignore lint/suspicious/noExplicitAny: users type their own events, as with @types/aws-lambda
export type Handler<E = any, R = unknown> = (event: E, context: LambdaContext, callback: HandlerCallback) => R

/** The third parameter of a callback-style handler. */
export type HandlerCallback = (error?: unknown, result?: unknown) => void
