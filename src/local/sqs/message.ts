import { createHash, randomUUID } from 'node:crypto'
import { TetherError } from '../../core/base/errors.js'
import { invalidOption } from '../../core/base/options.js'
import { attributeBytes, isBinary, type MessageAttributes } from '../message-attributes.js'

/** A message in a queue. */
export interface QueueMessage {
  readonly messageId: string
  readonly body: string
  readonly attributes: MessageAttributes
  /** The sender's access key, in place of its IAM id. */
  readonly senderId: string
  /** Unix milliseconds. */
  readonly sentAt: number
  /** The X-Ray trace header sent with the message. */
  readonly traceHeader?: string | undefined
  /** The ARN of the queue that the message was moved from, as a dead letter. */
  readonly deadLetterSource?: string | undefined
  /** How often the message was received. */
  readonly receiveCount: number
  readonly firstReceivedAt?: number | undefined
}

/** The sender's part of a new message. */
export type SentMessage = Pick<QueueMessage, 'body' | 'attributes' | 'senderId' | 'traceHeader'>

const MAX_ATTRIBUTES = 10

/** Makes a message sent at `now`. */
export function newMessage(sent: SentMessage, now: number): QueueMessage {
  return { ...sent, messageId: randomUUID(), sentAt: now, receiveCount: 0 }
}

/**
 * Checks a message as SendMessage does:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 * @throws TetherError `INVALID_OPTION`, `TOO_LARGE`
 */
export function checkSent(
  { body, attributes }: Pick<QueueMessage, 'body' | 'attributes'>,
  max: number,
): void {
  if (body === '') throw invalidOption('body', 'is empty, which SQS refuses')
  // Characters that XML 1.0 cannot carry.
  const forbidden = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u.exec(body)
  if (forbidden !== null) {
    const code = forbidden[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
    throw invalidOption('body', `has the character U+${code} at ${forbidden.index}, which SQS refuses`)
  }
  const names = Object.keys(attributes)
  if (names.length > MAX_ATTRIBUTES)
    throw invalidOption('attributes', `are ${names.length}; SQS allows ${MAX_ATTRIBUTES}`)
  for (const [name, { type, value }] of Object.entries(attributes)) checkAttribute(name, type, value)
  const bytes = messageBytes({ body, attributes })
  if (bytes > max) {
    throw new TetherError(
      'TOO_LARGE',
      `'body' is too long: ${bytes} bytes with its attributes exceed ${max}. Put it into a bucket and send its key.`,
      { details: { bytes, limit: max } },
    )
  }
}

/** Returns a message's size as SQS counts it. */
export function messageBytes({ body, attributes }: Pick<QueueMessage, 'body' | 'attributes'>): number {
  return Buffer.byteLength(body) + attributeBytes(attributes)
}

export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

/**
 * Returns the digest of attributes that clients verify; undefined without attributes:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation
 */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort()
  if (names.length === 0) return undefined
  const hash = createHash('md5')
  const add = (bytes: Uint8Array) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.byteLength)
    hash.update(length).update(bytes)
  }
  for (const name of names) {
    const { type, value } = attributes[name]!
    add(Buffer.from(name))
    add(Buffer.from(type))
    hash.update(Buffer.from([isBinary(type) ? 2 : 1]))
    add(Buffer.from(value, isBinary(type) ? 'base64' : 'utf8'))
  }
  return hash.digest('hex')
}

function checkAttribute(name: string, type: string, value: string): void {
  if (!/^(?!\.)(?!.*\.\.)(?!(AWS|Amazon)\.)[\w.-]{1,256}(?<!\.)$/i.test(name)) {
    throw invalidOption(
      `attributes.${name}`,
      'is no name of an attribute: SQS takes letters, digits, _, - and .',
    )
  }
  if (!/^(String|Number|Binary)(\..+)?$/.test(type)) {
    throw invalidOption(`attributes.${name}.type`, `must begin with String, Number or Binary, not '${type}'`)
  }
  if (value === '') throw invalidOption(`attributes.${name}.value`, 'is empty, which SQS refuses')
  if (type.startsWith('Number') && !Number.isFinite(Number(value)))
    throw invalidOption(`attributes.${name}.value`, `is no number: '${value}'`)
}
