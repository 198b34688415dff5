import type { S3Event } from 'aws-lambda'
import { describe, expect, test } from 'vitest'
import { S3Bucket } from '../../src/local/s3/bucket.js'
import { createTopic } from '../../src/local/triggers/topic.js'
import { event, json, lambdaHost, localFunction } from './lambda-fixture.js'
import { ManualClock } from './manual-clock.js'
import { queues, REGION } from './queue-fixture.js'

function bucket(clock = new ManualClock(Date.UTC(2026, 10, 21, 12))) {
  return new S3Bucket('uploads', { region: REGION, clock })
}

/** A function that keeps its events. */
function observer(arn = 'arn:fn') {
  const events: { readonly type: unknown; readonly event: S3Event }[] = []
  const invoke = async (payload?: unknown, options?: { type?: unknown }) => {
    events.push({ type: options?.type, event: JSON.parse(Buffer.from(payload as Uint8Array).toString()) })
    return { requestId: 'r', statusCode: 202 as const, payload: new Uint8Array(), logTail: '', durationMs: 0 }
  }
  const objects = () => events.map(({ event: { Records } }) => Records[0]?.s3.object.key)
  return { arn, invoke, events, objects }
}

describe('a notification', () => {
  test('invokes a function asynchronously with an S3 event', () => {
    const uploads = bucket()
    const fn = observer()
    uploads.notify(fn, { events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:Delete'] })
    uploads.put('in/a b+ü(1)~.txt', 'hello')
    uploads.delete('in/a b+ü(1)~.txt')
    uploads.delete('missing')
    const key = 'in/a+b%2B%C3%BC%281%29%7E.txt'
    const created: S3Event = {
      Records: [
        {
          eventVersion: '2.1',
          eventSource: 'aws:s3',
          awsRegion: REGION,
          eventTime: '2026-11-21T12:00:00.000Z',
          eventName: 'ObjectCreated:Put',
          userIdentity: { principalId: expect.stringMatching(/^AWS:A[0-9A-F]+$/) },
          requestParameters: { sourceIPAddress: '127.0.0.1' },
          responseElements: {
            'x-amz-request-id': expect.stringMatching(/^[0-9A-F]{16}$/),
            'x-amz-id-2': expect.any(String),
          },
          s3: {
            s3SchemaVersion: '1.0',
            configurationId: expect.any(String),
            bucket: {
              name: 'uploads',
              ownerIdentity: { principalId: expect.any(String) },
              arn: 'arn:aws:s3:::uploads',
            },
            object: {
              key,
              size: 5,
              eTag: '5d41402abc4b2a76b9719d911017c592',
              sequencer: expect.stringMatching(/^[0-9A-F]{16,}$/),
            },
          },
        },
      ],
    }
    expect(fn.events).toMatchObject([{ type: 'Event' }, { type: 'Event' }])
    const [first, second] = fn.events.map(({ event }) => event)
    expect(first).toEqual(created)
    expect(second?.Records[0]?.eventName).toBe('ObjectRemoved:Delete')
    // What is gone has no size and no tag.
    expect(second?.Records[0]?.s3.object).toEqual({ key, sequencer: expect.any(String) })
    const [earlier, later] = [first, second].map((one) => one?.Records[0]?.s3.object.sequencer ?? '')
    expect(later! > earlier!).toBe(true)
  })

  test('comes for keys with its prefix and suffix alone', () => {
    const uploads = bucket()
    const fn = observer()
    uploads.notify(fn, { events: ['s3:ObjectCreated:Put'], prefix: 'in/', suffix: '.jpg' })
    for (const key of ['in/a.jpg', 'in/a.png', 'out/a.jpg']) uploads.put(key, '')
    uploads.delete('in/a.jpg')
    expect(fn.objects()).toEqual(['in/a.jpg'])
  })

  test('is refused where it overlaps with another', () => {
    const uploads = bucket()
    uploads.notify(observer(), { events: ['s3:ObjectCreated:*'], prefix: 'in/' })
    const invalid = expect.objectContaining({ code: 'INVALID_OPTION' })
    expect(() =>
      uploads.notify(observer('arn:2'), { events: ['s3:ObjectCreated:Put'], prefix: 'in/sub/' }),
    ).toThrow(invalid)
    expect(() => uploads.notify(observer('arn:2'), { events: ['s3:ObjectRestore:Post'] })).toThrow(invalid)
    uploads.notify(observer('arn:2'), { events: ['s3:ObjectCreated:Put'], prefix: 'out/' })
    uploads.notify(observer('arn:3'), { events: ['s3:ObjectRemoved:*'], prefix: 'in/' })
  })

  test('goes to a queue and a topic too, after a test event', async () => {
    const clock = new ManualClock()
    const uploads = bucket(clock)
    const queue = queues(clock).queue()
    const topic = createTopic({ name: 'news', region: REGION, accountId: '123456789012', clock })
    const messages: unknown[] = []
    const invoke = async (event?: unknown) => {
      const { Subject, Message } = (event as { Records: [{ Sns: Record<string, string> }] }).Records[0].Sns
      messages.push([Subject, JSON.parse(Message ?? '')])
      return {
        requestId: 'r',
        statusCode: 202 as const,
        payload: new Uint8Array(),
        logTail: '',
        durationMs: 0,
      }
    }
    topic.subscribe({ arn: 'arn:fn', invoke })
    uploads.notify(queue, { events: ['s3:ObjectCreated:*'] })
    uploads.notify(topic, { events: ['s3:ObjectRemoved:*'] })
    uploads.put('a', 'x')
    uploads.delete('a')
    const received = await queue.receive({ max: 10 })
    expect(received.map(({ body }) => JSON.parse(body))).toMatchObject([
      { Event: 's3:TestEvent', Bucket: 'uploads' },
      { Records: [{ eventName: 'ObjectCreated:Put' }] },
    ])
    expect(messages).toMatchObject([
      ['Amazon S3 Notification', { Event: 's3:TestEvent' }],
      ['Amazon S3 Notification', { Records: [{ eventName: 'ObjectRemoved:Delete' }] }],
    ])
  })
})

test('an object reaches a Lambda process', async () => {
  const host = lambdaHost()
  const fn = await localFunction(host, 'exports.handler = async (e) => e.Records[0].s3.object.key')
  const uploads = bucket()
  uploads.notify(fn, { events: ['s3:ObjectCreated:*'] })
  const report = event(host, 'invocation')
  uploads.put('a b', 'x')
  const { type, payload } = await report
  expect([type, json({ payload })]).toEqual(['Event', 'a+b'])
})
