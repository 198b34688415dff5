import type { IncomingHttpHeaders } from 'node:http'
import { TetherError } from '../../../core/base/errors.js'
import { ControlPlaneError, invalidParameter } from '../errors.js'
import type { FunctionHost, ResolvedFunction } from './registry.js'

/** An invocation's answer, as HTTP carries it. */
export interface InvokeReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Invokes a function as Lambda's Invoke call does. @throws ControlPlaneError */
export async function invokeFunction(
  { fn, version }: ResolvedFunction,
  host: FunctionHost,
  headers: IncomingHttpHeaders,
  event: Uint8Array,
): Promise<InvokeReply> {
  const type = header(headers, 'x-amz-invocation-type') ?? 'RequestResponse'
  const executed = { 'x-amz-executed-version': version }
  if (fn.configuration.State === 'Pending') fn.checkSettled()
  if (type === 'DryRun') return { status: 204, headers: executed, body: new Uint8Array() }
  if (type !== 'RequestResponse' && type !== 'Event')
    throw invalidParameter(`'${type}' is no invocation type.`)
  const run = host.find(fn.name, version)
  if (run === undefined) {
    const what = fn.code === undefined ? 'images' : `the runtime ${fn.configuration.Runtime}`
    throw new ControlPlaneError('InvalidRuntimeException', `The local cloud does not run ${what}.`)
  }
  const context = header(headers, 'x-amz-client-context')
  const tenantId = header(headers, 'x-amz-tenant-id')
  try {
    const result = await run.invoke(event.byteLength === 0 ? undefined : event, {
      type,
      ...(context === undefined
        ? {}
        : { clientContext: JSON.parse(Buffer.from(context, 'base64').toString('utf8')) }),
      ...(tenantId === undefined ? {} : { tenantId }),
    })
    const tail = header(headers, 'x-amz-log-type') === 'Tail'
    return {
      status: result.statusCode,
      headers: {
        ...executed,
        'x-amzn-requestid': result.requestId,
        ...(result.functionError === undefined ? {} : { 'x-amz-function-error': result.functionError }),
        ...(tail ? { 'x-amz-log-result': Buffer.from(result.logTail).toString('base64') } : {}),
      },
      body: result.payload,
    }
  } catch (error) {
    throw refusal(error)
  }
}

function refusal(error: unknown): Error {
  if (error instanceof SyntaxError) return invalidParameter('The client context is not JSON in base64.')
  if (!(error instanceof TetherError)) return error as Error
  switch (error.code) {
    case 'TOO_LARGE':
      return new ControlPlaneError('RequestTooLargeException', error.message)
    case 'THROTTLED':
      return new ControlPlaneError('TooManyRequestsException', 'Rate Exceeded.', {
        Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
      })
    case 'INVALID_OPTION':
      return new ControlPlaneError('InvalidRequestContentException', error.message)
    default:
      return new ControlPlaneError('ServiceException', error.message)
  }
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
