// npx vitest run --root examples/test-harness: each test fires a real trigger, waits for its invocation, checks the
// event and decides the function's answer. It begins to wait before it fires: an invocation without a waiter fails at once.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHarness } from './harness.js'

let harness
beforeAll(async () => {
  harness = await startHarness()
}, 30_000)
afterAll(() => harness?.close())

const orderOf = ({ event }) => JSON.parse(event.Records[0].Sns.Message).id

test('an order that is published arrives with its attributes', async () => {
  const { session, topic } = harness
  const arriving = session.next('on-order', { timeoutMs: 10_000 })
  await topic.publish({ message: JSON.stringify({ id: 7 }), subject: 'placed' })
  const invocation = await arriving
  expect(invocation.event.Records[0].Sns).toMatchObject({ Message: '{"id":7}', Subject: 'placed' })
  await invocation.respond()
})

test('an order that fails is delivered again', async () => {
  const { session, topic } = harness
  const arriving = session.next('on-order', { timeoutMs: 10_000 })
  await topic.publish({ message: JSON.stringify({ id: 8 }) })
  const first = await arriving
  const again = session.next('on-order', { timeoutMs: 10_000 })
  await first.fail(new Error('the database is away'))
  const second = await again
  expect(second.event).toEqual(first.event)
  // Lambda's retry: the same request, another invocation.
  expect(second.context.awsRequestId).toBe(first.context.awsRequestId)
  expect(second.id).not.toBe(first.id)
  await second.respond()
  // Once more, and not a third time.
  const received = session.received('on-order').filter((invocation) => orderOf(invocation) === 8)
  expect(received.map(({ id }) => id)).toEqual([first.id, second.id])
})

test('of two orders at once each test takes its own', async () => {
  const { session, topic } = harness
  const take = (id) =>
    session.next('on-order', { where: (invocation) => orderOf(invocation) === id, timeoutMs: 10_000 })
  const arriving = [take(10), take(9)]
  await topic.publish({ message: JSON.stringify({ id: 9 }) })
  await topic.publish({ message: JSON.stringify({ id: 10 }) })
  const [tenth, ninth] = await Promise.all(arriving)
  expect([orderOf(tenth), orderOf(ninth)]).toEqual([10, 9])
  await Promise.all([tenth.respond(), ninth.respond()])
})

test('a test answers a request in place of the function', async () => {
  const { session, url } = harness
  const arriving = session.next('api', { timeoutMs: 10_000 })
  const response = fetch(`${url}/orders/7`)
  const invocation = await arriving
  expect(invocation.event.rawPath).toBe('/orders/7')
  await invocation.respond({ statusCode: 418, body: 'a teapot' })
  expect((await response).status).toBe(418)
  expect(await (await response).text()).toBe('a teapot')
})
