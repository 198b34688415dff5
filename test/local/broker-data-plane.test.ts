import {
  GetRetainedMessageCommand,
  IoTDataPlaneClient,
  ListRetainedMessagesCommand,
  PublishCommand,
  type PublishCommandInput,
  paginateListRetainedMessages,
} from '@aws-sdk/client-iot-data-plane'
import { connectAsync } from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import { createLocalBroker, type LocalBroker, type LocalIdentity } from '../../src/local/index.js'
import { ManualClock } from '../support/manual-clock.js'

const region = 'eu-west-1'
const owner = { accessKeyId: 'AKIAOWNER', secretAccessKey: 'secret' }
const reader: LocalIdentity = {
  accessKeyId: 'AKIAREADER',
  secretAccessKey: 'secret',
  policy: {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'iot:GetRetainedMessage', Resource: '*' },
      { Effect: 'Allow', Action: 'iot:Publish', Resource: `arn:aws:iot:${region}:123456789012:topic/plain` },
    ],
  },
}

async function broker(): Promise<{ broker: LocalBroker; clock: ManualClock }> {
  const clock = new ManualClock(Date.now())
  const made = createLocalBroker({ region, identities: [owner, reader], clock })
  onTestFinished(() => made.close())
  await made.open()
  return { broker: made, clock }
}

/** AWS's own client of the data endpoint. */
function dataClient(
  { webSocketUrl }: LocalBroker,
  credentials: Pick<LocalIdentity, 'accessKeyId' | 'secretAccessKey'> = owner,
): IoTDataPlaneClient {
  const endpoint = webSocketUrl.replace(/^ws/, 'http')
  const client = new IoTDataPlaneClient({ endpoint, region, credentials, maxAttempts: 1 })
  onTestFinished(() => client.destroy())
  return client
}

test('a message published over HTTP arrives over MQTT, and is retained on request', async () => {
  const { broker: made, clock } = await broker()
  const subscriber = await connectAsync(made.mqttUrl, { reconnectPeriod: 0 })
  onTestFinished(() => subscriber.endAsync(true))
  await subscriber.subscribeAsync('a/+')
  const arrived = new Promise<[string, string]>((resolve) =>
    subscriber.once('message', (topic, payload) => resolve([topic, payload.toString()])),
  )
  const client = dataClient(made)
  const payload = Buffer.from('kept')
  await client.send(new PublishCommand({ topic: 'a/b c', payload, retain: true, qos: 1 }))
  expect(await arrived).toEqual(['a/b c', 'kept'])
  await client.send(new PublishCommand({ topic: 'plain', payload }))

  const { retainedTopics } = await client.send(new ListRetainedMessagesCommand({}))
  const lastModifiedTime = clock.now()
  expect(retainedTopics).toEqual([{ topic: 'a/b c', payloadSize: 4, qos: 1, lastModifiedTime }])
  const got = await client.send(new GetRetainedMessageCommand({ topic: 'a/b c' }))
  expect(got).toMatchObject({ topic: 'a/b c', qos: 1, lastModifiedTime })
  expect(Buffer.from(got.payload!).toString()).toBe('kept')

  await client.send(new PublishCommand({ topic: 'a/b c', payload: new Uint8Array(), retain: true }))
  expect((await client.send(new ListRetainedMessagesCommand({}))).retainedTopics).toEqual([])
  await expect(client.send(new GetRetainedMessageCommand({ topic: 'a/b c' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
    $metadata: { httpStatusCode: 404 },
  })
})

test('retained messages are listed in pages', async () => {
  const { broker: made } = await broker()
  const client = dataClient(made)
  const topics = ['a', 'b', 'c']
  for (const topic of topics) {
    await client.send(new PublishCommand({ topic, payload: Buffer.from('x'), retain: true }))
  }
  const pages: (string | undefined)[][] = []
  for await (const { retainedTopics = [] } of paginateListRetainedMessages({ client, pageSize: 2 }, {})) {
    pages.push(retainedTopics.map(({ topic }) => topic))
  }
  expect(pages).toEqual([['a', 'b'], ['c']])
})

test('a call without a valid signature or permission is forbidden', async () => {
  const { broker: made } = await broker()
  const client = dataClient(made, reader)
  const payload = Buffer.from('x')
  await client.send(new PublishCommand({ topic: 'plain', payload }))
  const missing = client.send(new GetRetainedMessageCommand({ topic: 'plain' }))
  await expect(missing).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  const stranger = dataClient(made, { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'secret' })
  for (const call of [
    () => client.send(new PublishCommand({ topic: 'other', payload })),
    () => client.send(new PublishCommand({ topic: 'plain', payload, retain: true })),
    () => client.send(new ListRetainedMessagesCommand({})),
    () => stranger.send(new ListRetainedMessagesCommand({})),
  ]) {
    const forbidden = { name: 'ForbiddenException', $metadata: { httpStatusCode: 403 } }
    await expect(call()).rejects.toMatchObject(forbidden)
  }
})

test.each<[string, Partial<PublishCommandInput>]>([
  ['a wildcard', { topic: 'a/+' }],
  ['a reserved topic', { topic: '$aws/things/a' }],
  ['more slashes than seven', { topic: 'a/b/c/d/e/f/g/h/i' }],
  ['QoS 2', { qos: 2 }],
])('a message with %s is refused, as by MQTT', async (_what, input) => {
  const { broker: made } = await broker()
  const publish = new PublishCommand({ topic: 'plain', payload: Buffer.from('x'), ...input })
  const refusal = { name: 'InvalidRequestException', $metadata: { httpStatusCode: 400 } }
  await expect(dataClient(made).send(publish)).rejects.toMatchObject(refusal)
})

test('an unknown path of the data endpoint is not found', async () => {
  const { broker: made } = await broker()
  const url = made.webSocketUrl.replace(/^ws/, 'http')
  for (const path of ['/', '/mqtt', '/topics/%', '/topics/a/b']) {
    expect((await fetch(url + path)).status, path).toBe(404)
  }
})
