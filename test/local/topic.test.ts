import { describe, expect, onTestFinished, test } from 'vitest'
import type { LocalTopic } from '../../src/local/index.js'
import { snsEndpoint } from '../../src/local/triggers/sns-endpoint.js'
import { createTopic } from '../../src/local/triggers/topic.js'
import { event, json, lambdaHost, localFunction } from './lambda-fixture.js'

function topic(name = 'news'): LocalTopic {
  return createTopic({ name, region: 'eu-west-1', accountId: '123456789012' })
}

/** A subscriber that keeps what it is invoked with. */
function subscriber(arn = 'arn:fn') {
  const invocations: { event: unknown; type: unknown }[] = []
  return {
    invocations,
    arn,
    invoke: async (what?: unknown, options?: { type?: unknown }) => {
      invocations.push({ event: what, type: options?.type })
      return {
        requestId: 'r',
        statusCode: 202 as const,
        payload: new Uint8Array(),
        logTail: '',
        durationMs: 0,
      }
    },
  }
}

describe('publish', () => {
  test('invokes each subscriber asynchronously with an SNS event', async () => {
    const news = topic()
    const [first, second] = [subscriber('arn:1'), subscriber('arn:2')]
    news.subscribe(first)
    news.subscribe(first)
    news.subscribe(second)
    const { messageId } = await news.publish({
      message: '漢',
      subject: 'about',
      attributes: { kind: { type: 'String', value: 'x' } },
    })
    expect(first.invocations).toEqual([
      {
        type: 'Event',
        event: {
          Records: [
            {
              EventSource: 'aws:sns',
              EventVersion: '1.0',
              EventSubscriptionArn: expect.stringMatching(
                /^arn:aws:sns:eu-west-1:123456789012:news:[0-9a-f-]{36}$/,
              ),
              Sns: {
                Type: 'Notification',
                MessageId: messageId,
                TopicArn: 'arn:aws:sns:eu-west-1:123456789012:news',
                Subject: 'about',
                Message: '漢',
                Timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
                SignatureVersion: '1',
                Signature: expect.any(String),
                SigningCertUrl: expect.any(String),
                UnsubscribeUrl: expect.any(String),
                MessageAttributes: { kind: { Type: 'String', Value: 'x' } },
              },
            },
          ],
        },
      },
    ])
    expect(second.invocations).toHaveLength(1)
  })

  test('does not hear of a subscriber that fails', async () => {
    const news = topic()
    const well = subscriber('arn:well')
    news.subscribe({ arn: 'arn:ill', invoke: () => Promise.reject(new Error('gone')) })
    news.subscribe(well)
    await news.publish({ message: 'm' })
    expect(well.invocations).toMatchObject([{ event: { Records: [{ Sns: { Subject: null } }] } }])
  })

  test('takes 262,144 bytes with attributes and not one more', async () => {
    const attributes = { kind: { type: 'String', value: '漢' } }
    const room = 262_144 - Buffer.byteLength('kindString漢')
    await topic().publish({ message: 'x'.repeat(room), attributes })
    await expect(topic().publish({ message: 'x'.repeat(room + 1), attributes })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringContaining('262145 bytes with its attributes exceed 262144'),
    })
  })

  test.each([
    ['an empty message', { message: '' }],
    ['an empty subject', { message: 'm', subject: '' }],
    ['a subject of 101 characters', { message: 'm', subject: 'x'.repeat(101) }],
  ])('refuses %s', async (_, message) => {
    await expect(topic().publish(message)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('refuses a name that SNS would', () => {
    expect(() => topic('a.b')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})

describe('the SNS endpoint', () => {
  async function endpoint() {
    const news = topic()
    const to = subscriber()
    news.subscribe(to)
    const made = await snsEndpoint(new Map([[news.arn, news]]), '127.0.0.1')
    onTestFinished(() => made.close())
    const post = async (fields: Record<string, string>, headers: Record<string, string> = {}) => {
      const response = await fetch(made.url, { method: 'POST', body: new URLSearchParams(fields), headers })
      return {
        status: response.status,
        type: response.headers.get('content-type'),
        xml: await response.text(),
      }
    }
    return { post, to, arn: news.arn }
  }

  test('publishes a message of the Query API', async () => {
    const { post, to, arn } = await endpoint()
    const { status, type, xml } = await post({
      Action: 'Publish',
      Version: '2010-03-31',
      TopicArn: arn,
      Message: 'a & b <漢>',
      Subject: 'about',
      'MessageAttributes.entry.1.Name': 'kind',
      'MessageAttributes.entry.1.Value.DataType': 'Number',
      'MessageAttributes.entry.1.Value.StringValue': '7',
      'MessageAttributes.entry.2.Name': 'raw',
      'MessageAttributes.entry.2.Value.DataType': 'Binary',
      'MessageAttributes.entry.2.Value.BinaryValue': 'AAE=',
    })
    expect([status, type]).toEqual([200, 'text/xml'])
    const id =
      /^<PublishResponse xmlns="[^"]+"><PublishResult><MessageId>([0-9a-f-]{36})<\/MessageId><\/PublishResult>/.exec(
        xml,
      )?.[1]
    expect(to.invocations).toMatchObject([
      {
        event: {
          Records: [
            {
              Sns: {
                MessageId: id,
                Message: 'a & b <漢>',
                Subject: 'about',
                MessageAttributes: {
                  kind: { Type: 'Number', Value: '7' },
                  raw: { Type: 'Binary', Value: 'AAE=' },
                },
              },
            },
          ],
        },
      },
    ])
  })

  test.each([
    ['an unknown topic', { Action: 'Publish', TopicArn: 'arn:other', Message: 'm' }, 404, 'NotFound'],
    ['another action', { Action: 'ListTopics' }, 400, 'InvalidAction'],
    ['an empty message', { Action: 'Publish' }, 400, 'InvalidParameter'],
    ['a message over 256 KB', { Action: 'Publish', Message: 'x'.repeat(262_145) }, 400, 'InvalidParameter'],
    [
      'a form over 1 MB',
      { Action: 'Publish', Message: 'x'.repeat(1024 * 1024) },
      413,
      'RequestEntityTooLarge',
    ],
  ])('refuses %s', async (_, fields, status, code) => {
    const { post, to, arn } = await endpoint()
    const reply = await post({ TopicArn: arn, ...fields })
    expect(reply.status).toBe(status)
    expect(reply.xml).toContain(`<Code>${code}</Code>`)
    expect(to.invocations).toEqual([])
  })

  test('refuses a web page', async () => {
    const { post, to, arn } = await endpoint()
    const fields = { Action: 'Publish', TopicArn: arn, Message: 'm' }
    expect((await post(fields, { origin: 'https://elsewhere.example' })).status).toBe(403)
    expect(to.invocations).toEqual([])
  })
})

test('a published message reaches a Lambda process', async () => {
  const host = lambdaHost()
  const fn = await localFunction(host, `exports.handler = async (e) => e.Records[0].Sns.Message`)
  const news = topic()
  news.subscribe(fn)
  const report = event(host, 'invocation')
  await news.publish({ message: '漢' })
  const { type, payload } = await report
  expect([type, json({ payload })]).toEqual(['Event', '漢'])
})
