import { TetherError } from '../../core/base/errors.js'
import { answerBatch } from './batch.js'
import { invalidParameterValue, SqsError } from './errors.js'
import { systemAttributes } from './event.js'
import {
  attributeOut,
  attributesIn,
  type Input,
  numberIn,
  secondsIn,
  textIn,
  textsIn,
  wanted,
} from './input.js'
import { md5, md5OfAttributes } from './message.js'
import type { SqsQueue } from './queue.js'
import type { Queues } from './queues.js'
import { MAX_BATCH, type ReceivedMessage } from './receive.js'

/** A call with a verified signature. */
export interface SqsCall {
  readonly operation: string
  readonly input: Input
  /** The access key of the caller. */
  readonly senderId: string
  /** Fires when the caller disconnects. */
  readonly signal: AbortSignal
}

/** Answers as SQS does. @throws SqsError */
export async function answerSqs(call: SqsCall, queues: Queues): Promise<object> {
  const { operation, input } = call
  if (operation === 'ListQueues') {
    const prefix = typeof input.QueueNamePrefix === 'string' ? input.QueueNamePrefix : ''
    const names = queues.names().filter((name) => name.startsWith(prefix))
    return names.length === 0 ? {} : { QueueUrls: names.map((name) => queues.find(name)?.url) }
  }
  if (operation === 'GetQueueUrl') return { QueueUrl: existing(queues.find(textIn(input, 'QueueName'))).url }
  const act = OPERATIONS[operation]
  if (act === undefined)
    throw new SqsError('UnsupportedOperation', `The local SQS endpoint does not serve ${operation}.`)
  // The URL's last part is the queue's name; host and account do not matter.
  const queue = existing(queues.find(textIn(input, 'QueueUrl').split('/').at(-1) ?? ''))
  try {
    return await act(queue, call)
  } catch (error) {
    if (!(error instanceof TetherError)) throw error
    if (error.code === 'THROTTLED') throw new SqsError('OverLimit', error.message, 403)
    const parameters = 'One or more parameters are invalid. Reason: '
    throw new SqsError('InvalidParameterValue', parameters + error.message)
  }
}

const OPERATIONS: Readonly<Record<string, (queue: SqsQueue, call: SqsCall) => object | Promise<object>>> = {
  SendMessage: send,
  SendMessageBatch: (queue, call) =>
    answerBatch(queue, call.input, (input) => send(queue, { ...call, input })),
  ReceiveMessage: receive,
  DeleteMessage: remove,
  DeleteMessageBatch: (queue, { input }) =>
    answerBatch(queue, input, (entry) => remove(queue, { input: entry })),
  ChangeMessageVisibility: changeVisibility,
  ChangeMessageVisibilityBatch: (queue, { input }) =>
    answerBatch(queue, input, (entry) => changeVisibility(queue, { input: entry })),
  GetQueueAttributes: (queue, { input }) => ({
    Attributes: wanted(queueAttributes(queue), textsIn(input, 'AttributeNames')),
  }),
  PurgeQueue: (queue) => {
    queue.purge()
    return {}
  },
}

function existing(queue: SqsQueue | undefined): SqsQueue {
  if (queue !== undefined) return queue
  throw new SqsError('QueueDoesNotExist', 'The specified queue does not exist.')
}

function send(queue: SqsQueue, { input, senderId }: Pick<SqsCall, 'input' | 'senderId'>): object {
  const body = textIn(input, 'MessageBody')
  const attributes = attributesIn(input)
  const system = input.MessageSystemAttributes as { AWSTraceHeader?: { StringValue?: string } } | undefined
  const traceHeader = system?.AWSTraceHeader?.StringValue
  const sent = { body, attributes, senderId, traceHeader }
  const { messageId } = queue.put(sent, secondsIn(input, 'DelaySeconds', 900))
  const digest = md5OfAttributes(attributes)
  return {
    MessageId: messageId,
    MD5OfMessageBody: md5(body),
    ...(digest === undefined ? {} : { MD5OfMessageAttributes: digest }),
  }
}

async function receive(queue: SqsQueue, { input, signal }: SqsCall): Promise<object> {
  const messages = await queue.receive({
    max: numberIn(input, 'MaxNumberOfMessages', 1, MAX_BATCH),
    visibilityTimeoutMs: secondsIn(input, 'VisibilityTimeout', 43_200),
    waitMs: secondsIn(input, 'WaitTimeSeconds', 20),
    signal,
  })
  if (messages.length === 0) return {}
  const names = [...textsIn(input, 'AttributeNames'), ...textsIn(input, 'MessageSystemAttributeNames')]
  return { Messages: messages.map((one) => messageOut(one, names, textsIn(input, 'MessageAttributeNames'))) }
}

function messageOut(message: ReceivedMessage, system: readonly string[], names: readonly string[]): object {
  const known = wanted(systemAttributes(message), system)
  const attributes = wanted(message.attributes, names)
  const digest = md5OfAttributes(attributes)
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(Object.keys(known).length === 0 ? {} : { Attributes: known }),
    ...(digest === undefined
      ? {}
      : {
          MD5OfMessageAttributes: digest,
          MessageAttributes: Object.fromEntries(
            Object.entries(attributes).map(([name, attribute]) => [name, attributeOut(attribute)]),
          ),
        }),
  }
}

function remove(queue: SqsQueue, { input }: Pick<SqsCall, 'input'>): object {
  const handle = textIn(input, 'ReceiptHandle')
  if (!queue.remove(handle)) throw invalidHandle(handle)
  return {}
}

function changeVisibility(queue: SqsQueue, { input }: Pick<SqsCall, 'input'>): object {
  const handle = textIn(input, 'ReceiptHandle')
  const timeoutMs = secondsIn(input, 'VisibilityTimeout', 43_200)
  if (timeoutMs === undefined) throw new SqsError('MissingParameter', 'VisibilityTimeout is missing.')
  switch (queue.changeVisibility(handle, timeoutMs)) {
    case 'changed':
      return {}
    case 'unknown':
      throw invalidHandle(handle)
    case 'not-in-flight':
      throw invalidParameterValue(
        'ReceiptHandle',
        handle,
        'Message does not exist or is not available for visibility timeout change.',
      )
    case 'too-long':
      throw invalidParameterValue(
        'VisibilityTimeout',
        timeoutMs / 1000,
        'Total VisibilityTimeout for the message is beyond the limit [43200 seconds].',
      )
  }
}

function invalidHandle(handle: string): SqsError {
  return new SqsError(
    'ReceiptHandleIsInvalid',
    `The input receipt handle "${handle}" is not a valid receipt handle.`,
  )
}

function queueAttributes({ arn, counts, settings, deadLetterQueue }: SqsQueue): Record<string, string> {
  const seconds = (ms: number) => String(Math.round(ms / 1000))
  const redrive = { deadLetterTargetArn: deadLetterQueue?.arn, maxReceiveCount: settings.maxReceiveCount }
  return {
    QueueArn: arn,
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
    VisibilityTimeout: seconds(settings.visibilityTimeoutMs),
    MaximumMessageSize: String(settings.maximumMessageBytes),
    MessageRetentionPeriod: seconds(settings.retentionMs),
    DelaySeconds: seconds(settings.delayMs),
    ReceiveMessageWaitTimeSeconds: seconds(settings.receiveWaitMs),
    ...(deadLetterQueue === undefined ? {} : { RedrivePolicy: JSON.stringify(redrive) }),
  }
}
