import { describe, expect, test } from 'vitest'
import type { AsynchronousOptions, InvokeOptions } from '../../src/local/index.js'
import { event, folder, json, lambdaHost } from './lambda-fixture.js'
import { ManualClock } from './manual-clock.js'
import { queues } from './queue-fixture.js'

const FAILING = `exports.handler = async () => { throw new TypeError('no ' + 'x'.repeat(2000)) }`
const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:fn:$LATEST'

/** A destination that keeps what is delivered. */
function functionDestination() {
  const records: unknown[] = []
  let told = () => {}
  const invoke = async (payload?: unknown, options?: InvokeOptions) => {
    records.push({ type: options?.type, record: JSON.parse(Buffer.from(payload as Uint8Array).toString()) })
    told()
    return { requestId: 'r', statusCode: 202 as const, payload: new Uint8Array(), logTail: '', durationMs: 0 }
  }
  const delivered = () =>
    new Promise<void>((resolve) => {
      if (records.length > 0) resolve()
      else told = resolve
    })
  return { arn: 'arn:other', invoke, records, delivered }
}

describe('an asynchronous event', () => {
  const clock = () => new ManualClock(Date.UTC(2026, 10, 21, 12))
  async function failing(time: ManualClock, asynchronous: AsynchronousOptions, more = {}) {
    const host = lambdaHost({ retryDelaysMs: [60_000, 120_000], clock: time })
    const bundle = await folder({ 'index.cjs': FAILING })
    return { host, fn: host.function({ name: 'fn', bundle, asynchronous, ...more }) }
  }

  /** Fails as often as it is tried, with Lambda's own waits. */
  async function exhaust({ host, fn }: Awaited<ReturnType<typeof failing>>, time: ManualClock) {
    for (const [attempt, waitMs] of [60_000, 120_000, 0].entries()) {
      const report = event(host, 'invocation')
      if (attempt === 0) await fn.invoke({ id: 7 }, { type: 'Event' })
      await report
      await new Promise((resolve) => setImmediate(resolve))
      if (waitMs > 0) time.advance(waitMs)
    }
  }

  test('that fails for good goes to the destination and the dead-letter queue, each in its own shape', async () => {
    const time = clock()
    const { queue } = queues(time)
    const [failures, dead] = [queue('failures'), queue('dead')]
    const made = await failing(time, { onFailure: failures, deadLetter: dead })
    const discarded = event(made.host, 'discard')
    await exhaust(made, time)
    const { requestId } = await discarded
    const [record] = await failures.receive({ waitMs: 20_000 })
    const errorMessage = `no ${'x'.repeat(2000)}`
    expect(JSON.parse(record!.body)).toEqual({
      version: '1.0',
      timestamp: '2026-11-21T12:03:00.000Z',
      requestContext: {
        requestId,
        functionArn: ARN,
        condition: 'RetriesExhausted',
        approximateInvokeCount: 3,
      },
      requestPayload: { id: 7 },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: expect.objectContaining({ errorMessage, errorType: 'TypeError' }),
    })
    const [letter] = await dead.receive()
    expect(letter).toMatchObject({
      body: '{"id":7}',
      attributes: {
        RequestID: { type: 'String', value: requestId },
        ErrorCode: { type: 'Number', value: '200' },
        ErrorMessage: { type: 'String', value: errorMessage.slice(0, 1024) },
      },
    })
  })

  test('that exceeds its maximum age is not attempted again', async () => {
    const time = clock()
    const other = functionDestination()
    const { host, fn } = await failing(time, { maximumEventAgeMs: 60_000, onFailure: other })
    const report = event(host, 'invocation')
    const discarded = event(host, 'discard')
    await fn.invoke({ id: 7 }, { type: 'Event' })
    await report
    await new Promise((resolve) => setImmediate(resolve))
    time.advance(60_001)
    expect(await discarded).toMatchObject({ condition: 'EventAgeExceeded', attempts: 1 })
    await other.delivered()
    const requestContext = { condition: 'EventAgeExceeded', approximateInvokeCount: 1 }
    expect(other.records).toMatchObject([{ type: 'Event', record: { requestContext } }])
  })

  test('is tried as often as its function configures', async () => {
    const time = clock()
    const { host, fn } = await failing(time, { maximumRetryAttempts: 0 })
    const discarded = event(host, 'discard')
    await fn.invoke({}, { type: 'Event' })
    expect(await discarded).toMatchObject({ condition: 'RetriesExhausted', attempts: 1 })
  })

  test('of a function that may not run is given up at once', async () => {
    const time = clock()
    const { queue } = queues(time)
    const dead = queue('dead')
    const { host, fn } = await failing(time, { deadLetter: dead }, { reservedConcurrency: 0 })
    const discarded = event(host, 'discard')
    await fn.invoke({}, { type: 'Event' })
    expect(await discarded).toMatchObject({ condition: 'ZeroReservedConcurrency', attempts: 0 })
    expect(await dead.receive({ waitMs: 20_000 })).toMatchObject([
      { body: '{}', attributes: { ErrorCode: { value: '429' } } },
    ])
  })

  test('that succeeds is reported as well', async () => {
    const host = lambdaHost()
    const other = functionDestination()
    const bundle = await folder({ 'index.cjs': 'exports.handler = async (e) => e.id' })
    const fn = host.function({ name: 'fn', bundle, asynchronous: { onSuccess: other, onFailure: other } })
    const report = event(host, 'invocation')
    await fn.invoke({ id: 7 }, { type: 'Event' })
    expect(json(await report)).toBe(7)
    await other.delivered()
    const { record } = other.records[0] as { record: object }
    expect(record).toMatchObject({ requestContext: { condition: 'Success' }, responsePayload: 7 })
    expect(record).toHaveProperty('responseContext', { statusCode: 200, executedVersion: '$LATEST' })
  })

  test('causes a warning if the destination refuses its record', async () => {
    const time = clock()
    const { queue } = queues(time)
    const small = queue('small', { maximumMessageBytes: 1024 })
    const { host, fn } = await failing(time, { maximumRetryAttempts: 0, onFailure: small })
    const warned = event(host, 'warning', (message) => message.includes('fn'))
    await fn.invoke({}, { type: 'Event' })
    expect(await warned).toMatch(
      /^A record of 'fn' was not delivered to arn:aws:sqs:.*:small: .* exceed 1024/,
    )
  })
})
