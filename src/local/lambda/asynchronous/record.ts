import type { MessageAttributes } from '../../message-attributes.js'
import type { InvokeRequest, InvokeResult } from '../invoke-request.js'

/** Why Lambda stopped attempting an asynchronous event. */
export type DiscardCondition = 'RetriesExhausted' | 'EventAgeExceeded' | 'ZeroReservedConcurrency'

/** The end of an asynchronous event. */
export interface AsynchronousEnd {
  readonly condition: DiscardCondition | 'Success'
  readonly request: InvokeRequest
  readonly attempts: number
  /** Result of the last attempt; absent without an attempt. */
  readonly result?: InvokeResult | undefined
}

const MAX_ERROR_MESSAGE_BYTES = 1024

/**
 * Returns the record for a destination:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export function destinationRecord(
  { condition, request, attempts, result }: AsynchronousEnd,
  functionArn: string,
  now: number,
): string {
  const version = functionArn.split(':')[7] ?? '$LATEST'
  return JSON.stringify({
    version: '1.0',
    timestamp: new Date(now).toISOString(),
    requestContext: {
      requestId: request.requestId,
      functionArn: functionArn.split(':').slice(0, 7).concat(version).join(':'),
      condition,
      approximateInvokeCount: attempts,
    },
    requestPayload: parsed(request.event),
    ...(result === undefined
      ? {}
      : {
          responseContext: {
            statusCode: 200,
            executedVersion: version,
            ...(result.functionError === undefined ? {} : { functionError: result.functionError }),
          },
          responsePayload: parsed(result.payload),
        }),
  })
}

/**
 * Returns the attributes of a message in a dead-letter queue:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq
 */
export function deadLetterAttributes({ request, result, condition }: AsynchronousEnd): MessageAttributes {
  const error = result === undefined ? undefined : parsed(result.payload)
  const message =
    (error as { errorMessage?: unknown } | null | undefined)?.errorMessage ??
    (result === undefined ? condition : undefined)
  const text = Buffer.from(String(message ?? ''))
    .subarray(0, MAX_ERROR_MESSAGE_BYTES)
    .toString('utf8')
  return {
    RequestID: { type: 'String', value: request.requestId },
    ErrorCode: { type: 'Number', value: result === undefined ? '429' : '200' },
    // SQS refuses empty values.
    ...(text === '' ? {} : { ErrorMessage: { type: 'String', value: text } }),
  }
}

function parsed(json: Uint8Array): unknown {
  const text = Buffer.from(json).toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
