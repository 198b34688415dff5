import type { InvokeResult } from '../lambda/invoke-request.js'

/**
 * Returns the failed messages of a batch, by Lambda's rules:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
 * @param reports whether the function's answer lists them
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
  // An empty, misnamed or unknown id fails the whole batch, since the successful messages cannot be told apart.
  return failed.every((id): id is string => typeof id === 'string' && all.has(id)) ? new Set(failed) : all
}
