import { onTestFinished } from 'vitest'
import type { InvokeResult, LocalQueue, LocalQueueOptions } from '../../src/local/index.js'
import type { SqsQueue } from '../../src/local/sqs/queue.js'
import { Queues } from '../../src/local/sqs/queues.js'
import { ManualClock } from './manual-clock.js'

export const ACCOUNT = '123456789012'
export const REGION = 'eu-west-1'

/** Queues on a clock that the test moves, closed after the test. */
export function queues(clock = new ManualClock()) {
  const all = new Queues({
    region: REGION,
    accountId: ACCOUNT,
    senderId: 'AKIASENDER',
    clock,
    endpoint: () => 'http://127.0.0.1:1',
  })
  onTestFinished(() => all.close())
  const queue = (name = 'orders', options?: LocalQueueOptions): SqsQueue => all.queue(name, options)
  return { all, clock, queue }
}

/** One event of a subscriber, which the test answers. */
export interface Delivery {
  readonly event: { readonly Records: readonly Record<string, unknown>[] }
  readonly bodies: readonly unknown[]
  answer(value?: unknown): void
  fail(): void
}

/** A subscriber whose invocations the test takes one by one. */
export function answeringSubscriber(timeoutMs = 3000) {
  const arrived: Delivery[] = []
  const waiting: ((delivery: Delivery) => void)[] = []
  const invoke = (event?: unknown) =>
    new Promise<InvokeResult>((resolve) => {
      const settle = (payload: string, functionError?: 'Unhandled') =>
        resolve({
          requestId: 'r',
          statusCode: 200,
          payload: Buffer.from(payload),
          logTail: '',
          durationMs: 0,
          ...(functionError === undefined ? {} : { functionError }),
        })
      const typed = event as Delivery['event']
      const delivery = {
        event: typed,
        bodies: typed.Records.map(({ body }) => body),
        answer: (value: unknown = null) => settle(JSON.stringify(value)),
        fail: () => settle('{"errorMessage":"no"}', 'Unhandled'),
      }
      const next = waiting.shift()
      if (next === undefined) arrived.push(delivery)
      else next(delivery)
    })
  const next = () =>
    new Promise<Delivery>((resolve) => {
      const first = arrived.shift()
      if (first === undefined) waiting.push(resolve)
      else resolve(first)
    })
  return { arn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:fn`, timeoutMs, invoke, next, arrived }
}

/** What a queue has, once it is as the test expects: outcomes are carried out a few turns after an answer. */
export async function settled(queue: LocalQueue): Promise<LocalQueue['counts']> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  return queue.counts
}
