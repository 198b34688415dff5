import { TetherError } from '../../core/base/errors.js'
import { SqsError } from './errors.js'
import { attributesIn, type Input } from './input.js'
import { messageBytes } from './message.js'
import type { SqsQueue } from './queue.js'
import { MAX_BATCH } from './receive.js'

/**
 * Carries out the entries of a batch independently: some may fail.
 * @throws SqsError if the batch as a whole is invalid
 */
export function answerBatch(queue: SqsQueue, input: Input, carryOut: (entry: Input) => object): object {
  const entries = (Array.isArray(input.Entries) ? input.Entries : []) as Input[]
  checkBatch(entries, queue.settings.maximumMessageBytes)
  const successful: object[] = []
  const failed: object[] = []
  for (const entry of entries) {
    try {
      successful.push({ Id: entry.Id, ...carryOut(entry) })
    } catch (error) {
      failed.push({ Id: entry.Id, SenderFault: true, ...reason(error) })
    }
  }
  return { Successful: successful, Failed: failed }
}

function checkBatch(entries: readonly Input[], maxBytes: number): void {
  const { length } = entries
  if (length === 0)
    throw new SqsError('EmptyBatchRequest', 'There should be at least one entry in the request.')
  if (length > MAX_BATCH) {
    const message = `Maximum number of entries per request are ${MAX_BATCH}. You have sent ${length}.`
    throw new SqsError('TooManyEntriesInBatchRequest', message)
  }
  const ids = entries.map(({ Id }) => String(Id ?? ''))
  if (!ids.every((id) => /^[\w-]{1,80}$/.test(id))) {
    const message =
      'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.'
    throw new SqsError('InvalidBatchEntryId', message)
  }
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new SqsError('BatchEntryIdsNotDistinct', `Id ${twice} repeated.`)
  const sizes = entries.map((entry) =>
    messageBytes({ body: String(entry.MessageBody ?? ''), attributes: attributesIn(entry) }),
  )
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  if (bytes > maxBytes) {
    const message = `Batch requests cannot be longer than ${maxBytes} bytes. You have sent ${bytes} bytes.`
    throw new SqsError('BatchRequestTooLong', message)
  }
}

function reason(error: unknown): { readonly Code: string; readonly Message: string } {
  if (error instanceof SqsError) return { Code: error.queryCode, Message: error.message }
  if (error instanceof TetherError) return { Code: 'InvalidParameterValue', Message: error.message }
  throw error
}
