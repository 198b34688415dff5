import type { Clock } from '../../core/base/clock.js'
import { defined } from '../../core/base/defined.js'
import type { RuntimeError } from '../../executors/runtime-api/answer.js'
import type { RuntimeInvocation } from '../../executors/runtime-api/server.js'
import type { EnvironmentPool } from './environment-pool.js'
import type { ExecutionEnvironment } from './execution-environment.js'
import type { InvokeRequest, InvokeResult } from './invoke-request.js'

/** Where and how an invocation runs. */
export interface RunOptions {
  readonly arn: string
  readonly timeoutMs: number
  readonly initTimeoutMs: number
  readonly clock: Clock
  readonly pool: EnvironmentPool
}

/** An environment that is ready, or why none is. */
interface Start {
  readonly environment: ExecutionEnvironment
  readonly cold: boolean
  /** Where the invocation's time has begun before its hand-over. */
  readonly deadline?: number
  readonly failure?: RuntimeError
}

/** Runs one attempt at an invocation, cold or warm. @throws TetherError `CLOSED` */
export async function runInvocation(request: InvokeRequest, options: RunOptions): Promise<InvokeResult> {
  const { clock, timeoutMs } = options
  const { requestId } = request
  const from = clock.now()
  const { environment, cold, failure, deadline = clock.now() + timeoutMs } = await start(requestId, options)
  const begun = deadline - timeoutMs
  const base = { requestId, statusCode: 200 as const, ...(cold ? { initDurationMs: begun - from } : {}) }
  if (failure !== undefined) {
    const durationMs = clock.now() - begun
    return {
      ...base,
      payload: failure.body,
      functionError: 'Unhandled',
      logTail: environment.logTail,
      durationMs,
    }
  }
  const invocation = runtimeInvocation(request, deadline, options.arn)
  const { answer, answeredAt } = await environment.run(invocation, timeoutMs)
  return {
    ...base,
    payload: answer.body,
    logTail: environment.logTail,
    durationMs: answeredAt - begun,
    ...(answer.kind === 'error' ? { functionError: 'Unhandled' as const } : {}),
  }
}

/** A start that failed is tried once more within the invocation's own time, as Lambda does; then it has failed. */
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
