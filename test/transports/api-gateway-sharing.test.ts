import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/base/clock.js'
import { createSession } from '../../src/create-session.js'
import type { Clock } from '../../src/index.js'
import type { WebSocketApi } from '../../src/local/index.js'
import { createStub } from '../../src/stub/handler.js'
import { stubKey } from '../../src/stub/key.js'
import { stubContext } from '../support/stub-context.js'
import { bothSides, type Database, key, startApi, startDatabase } from './api-gateway-fixture.js'
import { Inbox } from './inbox.js'

const names = { app: 'shop', stage: 'dev' }
const endpoint = (name: string, role: 'session' | 'stub' = 'session') => ({ ...names, role, name })
const [alice, bob] = [endpoint('alice'), endpoint('bob')]
const stubName = 'A'.repeat(22)
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString()

let database: Database
let api: WebSocketApi
beforeAll(async () => {
  database = await startDatabase()
  api = await startApi({ database })
})
afterAll(async () => {
  await api.close()
  await database[Symbol.asyncDispose]()
})

test('watchers get the latest retained frame of a session while its connection lasts', async () => {
  const transport = bothSides({ endpoint: api.endpoint })
  const inboxes = { alice: new Inbox(), stub: new Inbox() }
  const keeper = await transport.connect(alice, inboxes.alice, { identity: { session: 'a', epoch: 1 } })
  await using stub = await transport.connect(endpoint(stubName, 'stub'), inboxes.stub, {
    watch: [alice, bob],
  })
  expect(await stub.look!()).toEqual([])
  await keeper.keep!(Buffer.from('first'))
  await keeper.keep!(Buffer.from('second'))
  expect(inboxes.alice.kept.map(textOf)).toEqual(['first', 'second'])
  expect(await stub.look!()).toEqual(['alice'])
  expect(inboxes.stub.kept.map(textOf)).toEqual(['second'])
  await keeper.close()
  await expect.poll(() => stub.look!(), { interval: 20 }).toEqual([])
  expect(inboxes.stub.kept).toHaveLength(1)
})

test('two sessions share a stage: a cold environment asks once, a warm one when its answer is over five seconds old', async () => {
  let aheadMs = 0
  const clock: Clock = { ...systemClock, now: () => Date.now() + aheadMs }
  const later = () => {
    aheadMs += 5_001
  }
  const transport = bothSides({ endpoint: api.endpoint })
  const team = ['alice', 'bob']
  const member = async (name: string, marker?: string) => {
    const session = createSession({
      ...names,
      key,
      name,
      team,
      transport,
      ...(marker && { take: { marker } }),
    })
    session.on('invoke', (invocation) => invocation.respond(name))
    return session.open()
  }
  await using first = await member('alice')
  await using second = await member('bob', 'bob')
  expect(second.team().map(({ name }) => name)).toEqual(['alice', 'bob'])
  let looks = 0
  const counting: typeof transport = {
    ...transport,
    connect: async (...all) => {
      const connection = await transport.connect(...all)
      const look = connection.look!.bind(connection)
      return Object.assign(connection, {
        look: () => {
          looks++
          return look()
        },
      })
    },
  }
  const stub = createStub({
    ...names,
    key: stubKey({ ...names, key, functionId: 'api' }),
    functionId: 'api',
    team,
    transport: counting,
    clock,
    env: {},
    passthrough: async () => 'cloud',
  })
  const clientContext = { custom: { 'x-tether-session': 'bob' } }
  const marked = () => stub({}, { ...stubContext(), clientContext })
  const plain = () => stub({}, stubContext())
  expect(await Promise.all([marked(), plain()])).toEqual(['bob', 'alice'])
  expect(await plain()).toBe('alice')
  const before = looks
  first.setTake({ marker: 'alice' })
  await expect.poll(() => second.team()[0]?.take ?? first.team()[0]?.take).toEqual({ marker: 'alice' })
  later()
  await expect.poll(async () => [await plain(), later()][0], { interval: 20 }).toBe('cloud')
  expect(looks).toBeGreaterThan(before)
  await second.close()
  await expect.poll(async () => [await marked(), later()][0], { interval: 20 }).toBe('cloud')
  await stub.close()
})
