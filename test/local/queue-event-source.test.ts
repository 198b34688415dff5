import type { SQSEvent } from 'aws-lambda'
import { describe, expect, onTestFinished, test } from 'vitest'
import { failedOf } from '../../src/local/sqs/batch-outcome.js'
import { event, json, lambdaHost, localFunction } from './lambda-fixture.js'
import { ACCOUNT, answeringSubscriber, queues, REGION, settled } from './queue-fixture.js'

const NOTHING = { visible: 0, inFlight: 0, delayed: 0 }

describe('an event source', () => {
  test('brings messages as SQS events, and deletes them on success', async () => {
    const { queue, clock } = queues()
    const subscriber = answeringSubscriber()
    const orders = queue()
    orders.subscribe(subscriber)
    const attributes = {
      kind: { type: 'String', value: 'x' },
      raw: { type: 'Binary', value: 'AAE=' },
    }
    const { messageId } = await orders.send('漢', { attributes })
    const delivery = await subscriber.next()
    const now = String(clock.now())
    const expected: SQSEvent = {
      Records: [
        {
          messageId,
          receiptHandle: expect.any(String),
          body: '漢',
          attributes: {
            ApproximateReceiveCount: '1',
            SentTimestamp: now,
            SenderId: 'AKIASENDER',
            ApproximateFirstReceiveTimestamp: now,
          },
          messageAttributes: {
            kind: { stringValue: 'x', stringListValues: [], binaryListValues: [], dataType: 'String' },
            raw: { binaryValue: 'AAE=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
          },
          md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/),
          md5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
          eventSource: 'aws:sqs',
          eventSourceARN: `arn:aws:sqs:${REGION}:${ACCOUNT}:orders`,
          awsRegion: REGION,
        },
      ],
    }
    expect(delivery.event).toEqual(expected)
    expect(orders.counts).toEqual({ ...NOTHING, inFlight: 1 })
    delivery.answer()
    expect(await settled(orders)).toEqual(NOTHING)
  })

  test('leaves a batch that failed to the visibility timeout, and then to the dead-letter queue', async () => {
    const { queue, clock } = queues()
    const dead = queue('dead')
    const orders = queue('orders', { visibilityTimeoutMs: 5000, deadLetterQueue: dead, maxReceiveCount: 2 })
    for (const body of ['a', 'b']) await orders.send(body)
    const subscriber = answeringSubscriber()
    orders.subscribe(subscriber)
    for (let attempt = 1; attempt <= 2; attempt++) {
      const delivery = await subscriber.next()
      expect(delivery.bodies).toEqual(['a', 'b'])
      expect(delivery.event.Records[0]?.attributes).toMatchObject({ ApproximateReceiveCount: `${attempt}` })
      delivery.fail()
      expect(await settled(orders)).toEqual({ ...NOTHING, inFlight: 2 })
      clock.advance(5000)
    }
    expect(await settled(dead)).toEqual({ ...NOTHING, visible: 2 })
    expect(orders.counts).toEqual(NOTHING)
    const last = answeringSubscriber()
    dead.subscribe(last)
    const { event } = await last.next()
    expect(event.Records[0]?.attributes).toMatchObject({ DeadLetterQueueSourceArn: orders.arn })
  })

  test('deletes messages that a partial failure does not name', async () => {
    const { queue, clock } = queues()
    const orders = queue()
    for (const body of ['a', 'b', 'c']) await orders.send(body)
    const subscriber = answeringSubscriber()
    orders.subscribe(subscriber, { reportBatchItemFailures: true })
    const delivery = await subscriber.next()
    delivery.answer({ batchItemFailures: [{ itemIdentifier: delivery.event.Records[1]?.messageId }] })
    expect(await settled(orders)).toEqual({ ...NOTHING, inFlight: 1 })
    clock.advance(30_000)
    expect((await subscriber.next()).bodies).toEqual(['b'])
  })

  test('gathers for as long as its window lasts, or until the batch is full', async () => {
    const { queue, clock } = queues()
    const orders = queue()
    const subscriber = answeringSubscriber()
    orders.subscribe(subscriber, { batchSize: 12, batchWindowMs: 1000 })
    for (let index = 0; index < 12; index++) await orders.send(`${index}`)
    const full = await subscriber.next()
    expect(full.bodies).toHaveLength(12)
    await orders.send('alone')
    await settled(orders)
    clock.advance(999)
    await settled(orders)
    expect(subscriber.arrived).toEqual([])
    clock.advance(1)
    expect((await subscriber.next()).bodies).toEqual(['alone'])
  })

  test('splits a batch that is too large for an event', async () => {
    const { queue } = queues()
    const orders = queue()
    for (let index = 0; index < 7; index++) await orders.send('x'.repeat(1_048_576))
    const subscriber = answeringSubscriber()
    orders.subscribe(subscriber)
    const first = await subscriber.next()
    expect(first.bodies).toHaveLength(5)
    first.answer()
    expect((await subscriber.next()).bodies).toHaveLength(2)
  })

  test('limits the number of concurrent batches', async () => {
    const { queue } = queues()
    const orders = queue()
    const subscriber = answeringSubscriber()
    orders.subscribe(subscriber, { batchSize: 1, maximumConcurrency: 2 })
    for (const body of ['a', 'b', 'c']) await orders.send(body)
    expect(await settled(orders)).toEqual({ ...NOTHING, visible: 1, inFlight: 2 })
    const first = await subscriber.next()
    first.answer()
    await settled(orders)
    expect(subscriber.arrived.map(({ bodies }) => bodies)).toEqual([['b'], ['c']])
  })

  test('is refused for a function that may take longer than messages are hidden', () => {
    const { queue } = queues()
    const orders = queue('orders', { visibilityTimeoutMs: 5000 })
    expect(() => orders.subscribe(answeringSubscriber(5001))).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/5001 ms, .* 5000 ms/),
      }),
    )
    orders.subscribe(answeringSubscriber(5000))
  })

  test('is refused a second time, a large batch without a window, and too much at once', () => {
    const { queue } = queues()
    const orders = queue()
    const invalid = expect.objectContaining({ code: 'INVALID_OPTION' })
    const source = orders.subscribe(answeringSubscriber())
    expect(() => orders.subscribe(answeringSubscriber())).toThrow(invalid)
    expect(() => orders.subscribe(answeringSubscriber(), { batchSize: 11, batchWindowMs: 999 })).toThrow(
      invalid,
    )
    expect(() => orders.subscribe(answeringSubscriber(), { maximumConcurrency: 1 })).toThrow(invalid)
    source.close()
    orders.subscribe(answeringSubscriber())
  })

  test('brings nothing more once it is closed', async () => {
    const { queue } = queues()
    const orders = queue()
    const subscriber = answeringSubscriber()
    await orders.subscribe(subscriber).close()
    await orders.send('kept')
    expect(await settled(orders)).toEqual({ ...NOTHING, visible: 1 })
  })
})

describe('the answer to a batch', () => {
  const answer = (value: unknown, reports = true) => {
    const payload = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
    return [...failedOf({ payload }, ['a', 'b'], reports)]
  }

  test.each([
    ['no failure', { batchItemFailures: [] }],
    ['null in place of a list', { batchItemFailures: null }],
    ['an empty answer', {}],
    ['null', null],
    ['nothing', ''],
  ])('is a success with %s', (_, value) => expect(answer(value)).toEqual([]))

  test.each([
    ['an empty id', { batchItemFailures: [{ itemIdentifier: '' }] }],
    ['null for an id', { batchItemFailures: [{ itemIdentifier: null }] }],
    ['a misnamed id', { batchItemFailures: [{ id: 'a' }] }],
    ['the id of no message', { batchItemFailures: [{ itemIdentifier: 'a' }, { itemIdentifier: 'c' }] }],
    ['no list', { batchItemFailures: 'a' }],
    ['a text', '"a"'],
    ['no JSON', '{'],
  ])('fails the batch with %s', (_, value) => expect(answer(value)).toEqual(['a', 'b']))

  test('names failed messages, and is ignored unless the mapping reports item failures', () => {
    const value = { batchItemFailures: [{ itemIdentifier: 'b' }] }
    expect(answer(value)).toEqual(['b'])
    expect(answer(value, false)).toEqual([])
  })
})

test('a queue reaches a Lambda process', async () => {
  const host = lambdaHost()
  const fn = await localFunction(host, 'exports.handler = async (e) => e.Records[0].body')
  const orders = queues().queue()
  const source = orders.subscribe(fn)
  onTestFinished(() => source.close())
  const report = event(host, 'invocation')
  await orders.send('漢')
  const { type, payload } = await report
  expect([type, json({ payload })]).toEqual(['RequestResponse', '漢'])
})
