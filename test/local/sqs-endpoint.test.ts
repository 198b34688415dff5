import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLocalCloud } from '../../src/local/index.js'
import { folder } from './lambda-fixture.js'

const cloud = createLocalCloud({ region: 'eu-west-1' })
let client: SQSClient
beforeAll(async () => {
  await cloud.open()
  const { region, credentials, sqsEndpoint: endpoint } = cloud
  client = new SQSClient({ region, credentials, endpoint, maxAttempts: 1 })
})
afterAll(async () => {
  client.destroy()
  await cloud.close()
})

let count = 0
function queue(options = {}) {
  const made = cloud.queue(`queue-${count++}`, options)
  return { made, QueueUrl: made.url }
}

// The client checks the digests of bodies and of attributes itself.
describe('the SQS endpoint, asked by the AWS SDK', () => {
  test('sends, receives and deletes', async () => {
    const { made, QueueUrl } = queue()
    const { QueueUrl: found } = await client.send(new GetQueueUrlCommand({ QueueName: made.name }))
    expect(found).toBe(QueueUrl)
    const sent = await client.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: '漢 <&>',
        MessageAttributes: {
          'my.kind': { DataType: 'String', StringValue: 'x' },
          raw: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 1]) },
        },
      }),
    )
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
        MessageAttributeNames: ['my.*', 'raw'],
      }),
    )
    expect(Messages).toMatchObject([
      {
        MessageId: sent.MessageId,
        Body: '漢 <&>',
        Attributes: { ApproximateReceiveCount: '1', SentTimestamp: expect.stringMatching(/^\d{13}$/) },
        MessageAttributes: { 'my.kind': { StringValue: 'x' }, raw: { BinaryValue: new Uint8Array([0, 1]) } },
      },
    ])
    const ReceiptHandle = Messages[0]?.ReceiptHandle
    await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }))
    const again = await client.send(new ReceiveMessageCommand({ QueueUrl }))
    expect(again.Messages).toHaveLength(1)
    expect(again.Messages?.[0]).not.toHaveProperty('Attributes')
    await client.send(
      new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again.Messages?.[0]?.ReceiptHandle }),
    )
    expect(made.counts).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
  })

  test('carries out batches entry by entry', async () => {
    const { made, QueueUrl } = queue()
    const answer = await client.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'a', MessageBody: 'a' },
          { Id: 'b', MessageBody: 'b\0' },
          { Id: 'c', MessageBody: 'c', DelaySeconds: 900 },
        ],
      }),
    )
    expect(answer.Successful?.map(({ Id }) => Id)).toEqual(['a', 'c'])
    expect(answer.Failed).toMatchObject([{ Id: 'b', SenderFault: true, Code: 'InvalidParameterValue' }])
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    )
    expect(Messages.map(({ Body }) => Body)).toEqual(['a'])
    const deleted = await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'a', ReceiptHandle: Messages[0]?.ReceiptHandle },
          { Id: 'b', ReceiptHandle: 'none' },
        ],
      }),
    )
    expect(deleted.Successful).toEqual([{ Id: 'a' }])
    expect(deleted.Failed).toMatchObject([{ Id: 'b', Code: 'ReceiptHandleIsInvalid' }])
    expect(made.counts).toEqual({ visible: 0, inFlight: 0, delayed: 1 })
    await client.send(new PurgeQueueCommand({ QueueUrl }))
    expect(made.counts).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
  })

  test('waits for a message, and returns the attributes of a queue', async () => {
    const dead = queue()
    const { made, QueueUrl } = queue({ deadLetterQueue: dead.made, maxReceiveCount: 3 })
    const receiving = client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }))
    await made.send('late')
    expect((await receiving).Messages?.[0]?.Body).toBe('late')
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    )
    expect(Attributes).toMatchObject({
      QueueArn: made.arn,
      ApproximateNumberOfMessagesNotVisible: '1',
      VisibilityTimeout: '30',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.made.arn, maxReceiveCount: 3 }),
    })
    const { QueueUrls } = await client.send(new ListQueuesCommand({ QueueNamePrefix: made.name }))
    expect(QueueUrls).toEqual([QueueUrl])
  })

  test('refuses as SQS does', async () => {
    const { QueueUrl } = queue()
    const entry = (Id: string) => ({ Id, MessageBody: 'x' })
    const cases = [
      [new GetQueueUrlCommand({ QueueName: 'none' }), 'QueueDoesNotExist'],
      [new SendMessageCommand({ QueueUrl, MessageBody: '' }), 'MissingParameter'],
      [new SendMessageCommand({ QueueUrl, MessageBody: 'x', DelaySeconds: 901 }), 'InvalidParameterValue'],
      [new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 11 }), 'InvalidParameterValue'],
      [new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'none' }), 'ReceiptHandleIsInvalid'],
      [
        new ChangeMessageVisibilityCommand({
          QueueUrl,
          ReceiptHandle: 'A'.repeat(128),
          VisibilityTimeout: 1,
        }),
        'InvalidParameterValue',
      ],
      [new SendMessageBatchCommand({ QueueUrl, Entries: [] }), 'EmptyBatchRequest'],
      [
        new SendMessageBatchCommand({ QueueUrl, Entries: [entry('a'), entry('a')] }),
        'BatchEntryIdsNotDistinct',
      ],
    ] as const
    for (const [command, name] of cases) {
      const refused = client.send(command as SendMessageCommand)
      await expect(refused, name).rejects.toMatchObject({ name: expect.stringContaining(name) })
    }
    const { region, credentials, sqsEndpoint: endpoint } = cloud
    const stranger = new SQSClient({
      region,
      endpoint,
      credentials: { ...credentials, secretAccessKey: 'another' },
      maxAttempts: 1,
    })
    await expect(stranger.send(new ListQueuesCommand({}))).rejects.toMatchObject({
      name: expect.stringContaining('Signature'),
    })
    stranger.destroy()
  })
})

test('functions find the endpoint', async () => {
  const bundle = await folder({
    'index.cjs': 'exports.handler = async () => process.env.AWS_ENDPOINT_URL_SQS',
  })
  const { payload } = await cloud.function({ name: 'fn', bundle }).invoke()
  expect(JSON.parse(Buffer.from(payload).toString())).toBe(cloud.sqsEndpoint)
})
