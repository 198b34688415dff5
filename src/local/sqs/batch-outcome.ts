import type { InvokeResult } from '../lambda/invoke-request.js'

/**
 * The messages of a batch that failed, by Lambda's rules:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 * @param reports whether the function's answer tells
 */
export function failedOf(
  { functionError, payload }: Pick<InvokeResult, 'functionError' | 'payload'>,
  messageIds: readonly string[],
  reports: boolean,
): ReadonlySet<string> {
  const all = new Set(messageIds)
  if (functionError !== undefined) return all
  if (!reports) return new Set()
  let answer: unknown
  try {
    answer = JSON.parse(Buffer.from(payload).toString('utf8') || 'null')
  } catch {
    return all
  }
  if (answer === null) return new Set()
  if (typeof answer !== 'object') return all
  const failures = (answer as { batchItemFailures?: unknown }).batchItemFailures ?? []
  if (!Array.isArray(failures)) return all
  const failed = failures.map((failure) => (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier)
  // An id that is empty, misnamed or of no message fails the batch, since it tells nothing of which succeeded.
  return failed.every((id): id is string => typeof id === 'string' && all.has(id)) ? new Set(failed) : all
}
