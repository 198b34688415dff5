import type { Clock } from '../../core/base/clock.js'
import { deferred } from '../../core/base/deferred.js'
import { defined } from '../../core/base/defined.js'
import { MAX_RESPONSE_BYTES, responseTooLarge } from '../../core/payload/response-limit.js'
import { errorAnswer, type RuntimeError } from '../../executors/runtime-api/answer.js'
import type { RuntimeInvocation } from '../../executors/runtime-api/server.js'
import type { EnvironmentPool } from './environment-pool.js'
import { bytesOf, type ExecutionEnvironment, JSON_TYPE, type Run } from './execution-environment.js'
import type { InvokeRequest, InvokeResult } from './invoke-request.js'
import { atLambdasPace, collected, type ResponseBytes } from './streaming/bandwidth.js'
import type { InvokeStream, InvokeStreamEnd } from './streaming/invoke-stream.js'

/** The surroundings of an invocation's run. */
export interface RunOptions {
  readonly arn: string
  readonly timeoutMs: number
  readonly initTimeoutMs: number
  readonly clock: Clock
  readonly pool: EnvironmentPool
}

/** An environment that is ready, or the reason for its failed start. */
interface Start {
  readonly environment: ExecutionEnvironment
  readonly cold: boolean
  /** Set if the invocation's time began before the hand-over. */
  readonly deadline?: number
  readonly failure?: RuntimeError
}

/** An attempt with a begun response. */
interface Begun extends Pick<Run, 'contentType' | 'bytes'> {
  /** Its result, available once its bytes are read. */
  end(): Promise<Pick<InvokeStreamEnd, 'logTail' | 'durationMs' | 'initDurationMs'>>
}

/** Runs one attempt at an invocation, cold or warm, and reads its whole response. @throws TetherError `CLOSED` */
export async function runInvocation(request: InvokeRequest, options: RunOptions): Promise<InvokeResult> {
  const run = await begin(request, options)
  const { body, bytes, error } = await collected(run.bytes, MAX_RESPONSE_BYTES)
  const failure =
    error ?? (bytes > MAX_RESPONSE_BYTES ? errorAnswer(responseTooLarge(`${bytes}`)) : undefined)
  return {
    requestId: request.requestId,
    statusCode: 200,
    payload: failure?.body ?? body,
    ...(failure !== undefined && { functionError: 'Unhandled' }),
    ...(await run.end()),
  }
}

/** Runs one attempt at an invocation, and returns its response as a stream. @throws TetherError `CLOSED` */
export async function streamInvocation(request: InvokeRequest, options: RunOptions): Promise<InvokeStream> {
  const run = await begin(request, options)
  const ended = deferred<InvokeStreamEnd>()
  const bytes = told(run.bytes, async (failure) => {
    const error = failure && { type: failure.error.errorType, payload: failure.body }
    ended.resolve(defined({ ...(await run.end()), error }))
  })
  return {
    requestId: request.requestId,
    contentType: run.contentType,
    body: atLambdasPace(bytes, options.clock),
    end: ended.promise,
  }
}

async function begin(request: InvokeRequest, options: RunOptions): Promise<Begun> {
  const { clock, timeoutMs } = options
  const { requestId } = request
  const from = clock.now()
  const { environment, cold, failure, deadline = clock.now() + timeoutMs } = await start(requestId, options)
  const begun = deadline - timeoutMs
  const run =
    failure === undefined
      ? await environment.run(runtimeInvocation(request, deadline, options.arn), timeoutMs)
      : failedRun(failure, clock)
  return {
    contentType: run.contentType,
    bytes: run.bytes,
    end: async () => ({
      logTail: environment.logTail,
      durationMs: (await run.answeredAt) - begun,
      ...(cold && { initDurationMs: begun - from }),
    }),
  }
}
/** Retries a failed start once, within the invocation's own time, as Lambda does. */
async function start(requestId: string, options: RunOptions): Promise<Start> {
  const { pool, initTimeoutMs, timeoutMs, clock } = options
  const first = pool.take()
  if (first.state !== 'starting') return { environment: first, cold: false }
  if ((await first.init(requestId, initTimeoutMs)) === undefined) return { environment: first, cold: true }
  const environment = pool.create()
  const deadline = clock.now() + timeoutMs
  const failure = await environment.init(requestId, timeoutMs)
  return defined({ environment, cold: true, deadline, failure })
}

function runtimeInvocation(request: InvokeRequest, deadline: number, functionArn: string): RuntimeInvocation {
  const { type: _, ...rest } = request
  return { ...rest, deadline, functionArn }
}

/** The response of an environment that did not start. */
function failedRun(failure: RuntimeError, clock: Clock): Run {
  return { contentType: JSON_TYPE, bytes: bytesOf(failure), answeredAt: Promise.resolve(clock.now()) }
}

/** Passes a response on, and reports its end once. */
async function* told(bytes: ResponseBytes, onEnd: (error: RuntimeError | undefined) => void): ResponseBytes {
  const error = yield* bytes
  onEnd(error)
  return error
}
