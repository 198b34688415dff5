import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { answeringSubscriber, queues } from './queue-fixture.js'

const bodies = (messages: readonly { readonly body: string }[]) => messages.map(({ body }) => body)

describe('a queue', () => {
  test('hides a received message until it is deleted or its visibility timeout ends', async () => {
    const { queue, clock } = queues()
    const orders = queue('orders', { visibilityTimeoutMs: 5000 })
    const { messageId } = await orders.send('one', { attributes: { kind: { type: 'String', value: 'x' } } })
    await orders.send('two')
    const [first] = await orders.receive()
    expect(first).toMatchObject({ messageId, body: 'one', receiveCount: 1, senderId: 'AKIASENDER' })
    expect(orders.counts).toEqual({ visible: 1, inFlight: 1, delayed: 0 })
    expect(bodies(await orders.receive({ max: 10 }))).toEqual(['two'])
    expect(await orders.receive()).toEqual([])
    clock.advance(5000)
    const again = await orders.receive({ max: 10 })
    expect(again).toMatchObject([{ body: 'one', receiveCount: 2 }, { body: 'two' }])
    // A receipt that is not the last deletes nothing, and says nothing.
    await orders.delete(first!.receiptHandle)
    await orders.delete(again[1]!.receiptHandle)
    expect(orders.counts).toEqual({ visible: 0, inFlight: 1, delayed: 0 })
  })

  test('delays messages, waits for them, and drops expired ones', async () => {
    const { queue, clock } = queues()
    const orders = queue('orders', { retentionMs: 60_000 })
    const waiting = orders.receive({ waitMs: 20_000 })
    await orders.send('late', { delayMs: 10_000 })
    expect(orders.counts).toEqual({ visible: 0, inFlight: 0, delayed: 1 })
    const empty = orders.receive({ waitMs: 1000 })
    clock.advance(1000)
    expect(await empty).toEqual([])
    clock.advance(9000)
    expect(bodies(await waiting)).toEqual(['late'])
    clock.advance(60_000)
    expect(orders.counts).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
  })

  test('moves a message that was received too often to the dead-letter queue, unchanged', async () => {
    const { queue, clock } = queues()
    const dead = queue('dead')
    const orders = queue('orders', {
      visibilityTimeoutMs: 1000,
      deadLetterQueue: dead,
      maxReceiveCount: 2,
    })
    const attributes = { kind: { type: 'Binary.png', value: 'AAE=' } }
    const { messageId } = await orders.send('poison', { attributes })
    const sentAt = clock.now()
    for (let attempt = 1; attempt <= 2; attempt++) {
      expect(await orders.receive()).toMatchObject([{ receiveCount: attempt }])
      clock.advance(1000)
    }
    expect(await orders.receive()).toEqual([])
    expect(orders.counts).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
    const [moved] = await dead.receive()
    expect(moved).toMatchObject({
      messageId,
      body: 'poison',
      attributes,
      sentAt,
      deadLetterSource: orders.arn,
    })
  })

  test('has limits as SQS has them', async () => {
    const { queue } = queues()
    const orders = queue('orders', { maximumMessageBytes: 1024 })
    await orders.send('x'.repeat(1024 - 'kindString漢'.length - 2), {
      attributes: { kind: { type: 'String', value: '漢' } },
    })
    await expect(orders.send('x'.repeat(1025))).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringContaining('1025 bytes with its attributes exceed 1024'),
    })
    for (const body of ['', 'a\0b', '\ud800'])
      await expect(orders.send(body)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    const eleven = Object.fromEntries(
      Array.from({ length: 11 }, (_, index) => [`a${index}`, { type: 'String', value: 'x' }]),
    )
    for (const attributes of [
      eleven,
      { 'AWS.x': { type: 'String', value: 'x' } },
      { kind: { type: 'Text', value: 'x' } },
      { kind: { type: 'Number', value: 'x' } },
      { kind: { type: 'String', value: '' } },
    ])
      await expect(orders.send('x', { attributes })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('is one for each name, with one set of options', () => {
    const { queue, all } = queues()
    const dead = queue('dead')
    const orders = queue('orders', { deadLetterQueue: dead })
    expect(queue('orders')).toBe(orders)
    expect(queue('orders', { deadLetterQueue: dead, maxReceiveCount: 10 })).toBe(orders)
    const invalid = expect.objectContaining({ code: 'INVALID_OPTION' })
    expect(() => queue('orders', { delayMs: 1 })).toThrow(invalid)
    expect(() => queue('orders.fifo')).toThrow(invalid)
    expect(() => queue('other', { maxReceiveCount: 2 })).toThrow(invalid)
    const foreign = queues().queue('dead')
    expect(() => queue('other', { deadLetterQueue: foreign })).toThrow(invalid)
    expect(all.names()).toEqual(['dead', 'orders'])
  })

  test('ends a wait when its signal fires, and when it is closed', async () => {
    const { queue, all, clock } = queues()
    const abort = new AbortController()
    const [told, closed] = [
      queue().receive({ waitMs: 20_000, signal: abort.signal }),
      queue().receive({ waitMs: 20_000 }),
    ]
    abort.abort()
    expect(await told).toEqual([])
    await all.close()
    expect(await closed).toEqual([])
    expect(clock.pending).toBe(0)
    expect(() => queue().subscribe(answeringSubscriber())).toThrow(
      expect.objectContaining({ code: 'CLOSED' }),
    )
  })
})

test('a digest of attributes follows the developer guide', async () => {
  const { md5OfAttributes } = await import('../../src/local/sqs/message.js')
  const part = (bytes: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const expected = createHash('md5')
    .update(part(Buffer.from('a')))
    .update(part(Buffer.from('Binary')))
    .update(Buffer.from([2]))
    .update(part(Buffer.from([0, 1])))
    .update(part(Buffer.from('b')))
    .update(part(Buffer.from('Number')))
    .update(Buffer.from([1]))
    .update(part(Buffer.from('7')))
    .digest('hex')
  const attributes = { b: { type: 'Number', value: '7' }, a: { type: 'Binary', value: 'AAE=' } }
  expect(md5OfAttributes(attributes)).toBe(expected)
  expect(md5OfAttributes({})).toBeUndefined()
})
