import { roleCredentials } from '../../aws/credentials.js'
import { functionRegion } from '../../aws/endpoints.js'
import { signedHeaders } from '../../aws/sign-headers.js'
import { signingTime } from '../../aws/signature.js'
import { setTimeout } from '../../core/base/timers.js'

/** The environment variables of the relay, Lambda's own included: identity, region and endpoints of AWS services. */
export type RelayEnvironment = Readonly<Record<string, string | undefined>>

/** A request that AWS refused or never answered. */
export class AwsError extends Error {
  override readonly name = 'AwsError'

  /**
   * @param status of the HTTP answer; 0 without an answer
   * @param type AWS's name of the error, such as `ThrottlingException`
   */
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** One request to an AWS service. */
export interface AwsRequest {
  readonly service: 'dynamodb' | 'execute-api'
  readonly method: 'POST' | 'DELETE'
  readonly url: string
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Sends a request and returns the answer's body. @throws AwsError */
export type CallAws = (request: AwsRequest) => Promise<string>

/** Pause before each attempt, in milliseconds. */
const PAUSES_MS = [0, 50, 200]
/** Limit of one attempt, in milliseconds: three of them fit into the function's time-out. */
const ATTEMPT_TIMEOUT_MS = 3_000

/**
 * Signs requests with the role's credentials, which Lambda puts into the environment. Tries up to three times after
 * throttling, an error on AWS's side, or a broken socket (Lambda freezes sockets between invocations).
 */
export function awsCaller(env: RelayEnvironment): CallAws {
  return async (request) => {
    for (const [attempt, pauseMs] of PAUSES_MS.entries()) {
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
      try {
        return await callOnce(env, request)
      } catch (error) {
        if (attempt === PAUSES_MS.length - 1 || !(error instanceof AwsError) || !isTransient(error))
          throw error
      }
    }
    throw new Error('unreachable')
  }
}

async function callOnce(env: RelayEnvironment, { service, url, ...request }: AwsRequest): Promise<string> {
  const target = new URL(url)
  const scope = { time: signingTime(Date.now()), region: functionRegion(env), service }
  const headers = signedHeaders({ ...request, url: target }, scope, roleCredentials(env))
  let answer: Response
  let text: string
  try {
    answer = await fetch(target, {
      ...request,
      headers,
      signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS),
    })
    text = await answer.text()
  } catch (cause) {
    throw new AwsError(0, 'NoAnswer', `${service} did not answer: ${String(cause)}`, { cause })
  }
  if (answer.ok) return text
  const type = answer.headers.get('x-amzn-errortype') ?? /"__type" *: *"([^"]+)"/.exec(text)?.[1] ?? ''
  throw new AwsError(
    answer.status,
    type,
    `${service} answered ${answer.status} ${type}: ${text.slice(0, 500)}`,
  )
}

function isTransient({ status, type }: AwsError): boolean {
  return (
    status === 0 || status === 429 || status >= 500 || /Throttl|ThroughputExceeded|LimitExceeded/.test(type)
  )
}
