import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { parseTime } from '../../src/aws/arrived-request.js'
import { systemClock } from '../../src/core/base/clock.js'
import type { Clock } from '../../src/index.js'
import type { RelayEvent } from '../../src/stub/relay/relay.js'
import { ManualClock } from '../support/manual-clock.js'
import {
  type ApiOptions,
  type Database,
  postless,
  SIDES,
  startApi,
  startDatabase,
} from './api-gateway-fixture.js'
import { type Fate, startFront } from './api-gateway-front.js'
import { failure, Inbox, session, stub } from './inbox.js'

let database: Database
beforeAll(async () => {
  database = await startDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const light = SIDES[1]!
type Make = typeof light.make

/** An API, and a sender behind a front that may be made to misbehave. */
async function opened(make: Make, options: Omit<ApiOptions, 'database'> & { senderClock?: Clock } = {}) {
  const { senderClock, ...apiOptions } = options
  const api = await startApi({ database, ...apiOptions })
  onTestFinished(() => api.close())
  const front = await startFront(api)
  const transport = make({
    endpoint: front.endpoint,
    ...(senderClock !== undefined && { clock: senderClock }),
  })
  const receiving = async (self = stub) => {
    const inbox = new Inbox()
    const { clock } = apiOptions
    const receivers = light.make({ endpoint: api.endpoint, ...(clock !== undefined && { clock }) })
    const connection = await receivers.connect(self, inbox)
    onTestFinished(() => connection.close())
    return { inbox, connection }
  }
  const sending = async () => {
    const connection = await transport.connect(session, new Inbox())
    onTestFinished(() => connection.close())
    return connection
  }
  /** How many frames have gone through the relay since it was last asked. */
  let before = 0
  const relayed = () => {
    const { $default = 0 } = api.stats().invocations
    const count = $default - before
    before = $default
    return count
  }
  return { api, front, transport, receiving, sending, relayed }
}

/** As {@link opened}, with one frame sent, so that the sender knows both connections. */
async function warm(make: Make, options: Parameters<typeof opened>[1] = {}) {
  const parts = await opened(make, options)
  const { inbox, connection: receiver } = await parts.receiving()
  const sender = await parts.sending()
  await sender.send(stub, Buffer.from('first'))
  expect(await inbox.text()).toBe('first')
  expect(parts.relayed()).toBe(1)
  return { ...parts, inbox, receiver, sender }
}

const frame = (text: string) => Buffer.from(text)

describe.each(SIDES)('a frame that $side sends', ({ make }) => {
  test('goes by post once both connections are known, without the relay', async () => {
    const { front, sender, inbox, relayed } = await warm(make)
    for (const text of ['second', 'third']) {
      await sender.send(stub, frame(text))
      expect(await inbox.text()).toBe(text)
    }
    expect(front.posts).toEqual(['pass', 'pass'])
    expect(relayed()).toBe(0)
  })

  test('goes by post on a new connection, too, once a frame of its own has come back', async () => {
    const { front, transport, sender, inbox, relayed } = await warm(make)
    await sender.close()
    await using again = await transport.connect(session, new Inbox())
    // As a session does first.
    await again.send(session, frame('claim'))
    await again.send(stub, frame('by a post'))
    expect(await inbox.text()).toBe('by a post')
    expect(relayed()).toBe(1)
    expect(front.posts).toEqual(['pass'])
  })

  test('goes by post to a peer it has only received from', async () => {
    const { api, front, transport, relayed } = await opened(make)
    const [heard, inbox] = [new Inbox(), new Inbox()]
    await using asking = await light.make({ endpoint: api.endpoint }).connect(stub, inbox)
    await using sender = await transport.connect(session, heard)
    await sender.send(session, frame('claim'))
    await asking.send(session, frame('a question'))
    expect(await heard.text()).toBe('a question')
    expect(relayed()).toBe(2)
    await sender.send(stub, frame('an answer'))
    expect(await inbox.text()).toBe('an answer')
    expect({ posts: front.posts.length, relayed: relayed() }).toEqual({ posts: 1, relayed: 0 })
  })

  test('goes by post on a new connection even when the relay fails or knows no receiver', async () => {
    let failing = false
    const fails = ({ requestContext: { routeKey } }: RelayEvent) => failing && routeKey === '$default'
    const { sender, transport, inbox, front, relayed } = await warm(make, { fails })
    await sender.close()
    await using without = await transport.connect(session, new Inbox())
    expect(await failure(without.send({ ...stub, name: 'nobody' }, frame('x')))).toMatchObject({
      details: { absent: true },
    })
    relayed()
    failing = true
    await without.send(stub, frame('it knows itself'))
    expect(await inbox.text()).toBe('it knows itself')
    expect(relayed()).toBe(0)
    await using broken = await transport.connect(session, new Inbox())
    await broken.send(stub, frame('so does this'))
    expect(await inbox.text()).toBe('so does this')
    expect(relayed()).toBe(1)
    expect(front.posts).toHaveLength(2)
  })

  test('stays with the relay when posting is not allowed, without trying again', async () => {
    const { api, front, receiving, relayed } = await opened(make)
    const { inbox } = await receiving()
    await using sender = await make({ endpoint: front.endpoint, credentials: postless }).connect(
      session,
      new Inbox(),
    )
    for (const text of ['one', 'two', 'three']) {
      await sender.send(stub, frame(text))
      expect(await inbox.text()).toBe(text)
    }
    expect(front.posts).toHaveLength(1)
    expect(relayed()).toBe(3)
    expect(api.stats().connections).toBe(2)
  })

  test('finds the successor of an ended connection', async () => {
    const { api, front, sender, receiving, receiver, relayed } = await warm(make)
    const gone = new Promise((resolve) => api.once('disconnect', resolve))
    const { inbox } = await receiving()
    await receiver.close()
    await gone
    for (const text of ['by the relay', 'by a post']) {
      await sender.send(stub, frame(text))
      expect(await inbox.text()).toBe(text)
    }
    // The first of the two posts hears 410.
    expect(front.posts).toHaveLength(2)
    expect(relayed()).toBe(1)
  })

  test('skips a stale row, even if it is the newest', async () => {
    const { api, sender, inbox, receiver, receiving, relayed } = await warm(make)
    const { connection: dead } = await receiving()
    const [, , left] = api.connections()
    const ended = new Promise((resolve) => api.once('disconnect', resolve))
    api.cut({ connectionId: left!.connectionId, unreported: true })
    await ended
    await dead.closed
    // Whoever has not heard of it asks the relay, which finds the dead row first.
    await using other = await light.make({ endpoint: api.endpoint }).connect(session, new Inbox())
    await other.send(stub, frame('past the dead row'))
    expect(await inbox.text()).toBe('past the dead row')
    await sender.send(stub, frame('by a post'))
    expect(await inbox.text()).toBe('by a post')
    expect(relayed()).toBe(1)
    await receiver.close()
  })

  test('is rejected as absent when no receiver connects for a second', async () => {
    const { sending, relayed } = await opened(make)
    const sender = await sending()
    const startedAt = Date.now()
    expect(await failure(sender.send(stub, frame('for nobody')))).toMatchObject({
      code: 'UNREACHABLE',
      message: "No stub 'environment-1_________' of shop/dev is connected to the API.",
      details: { absent: true },
    })
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1_000)
    // Asking ever less often.
    expect(relayed()).toBeLessThanOrEqual(4)
  })

  test('shares one request to the relay with all frames for an absent receiver', async () => {
    const { sending, receiving, relayed } = await opened(make)
    const { inbox } = await receiving({ ...stub, name: 'somebody______________' })
    const sender = await sending()
    const all = Array.from({ length: 20 }, (_, i) => failure(sender.send(stub, frame(`${i}`))))
    // Others are not kept waiting.
    await sender.send({ ...stub, name: 'somebody______________' }, frame('here'))
    expect(await inbox.text()).toBe('here')
    for (const one of await Promise.all(all)) expect(one).toMatchObject({ details: { absent: true } })
    // Eight leave at once, and before anybody knows; then one of them.
    expect(relayed()).toBeLessThanOrEqual(8 + 3 + 1)
  })

  test('waits with others for a returning receiver, and arrives', async () => {
    const { api, sending, receiving } = await opened(make)
    const sender = await sending()
    let asked = 0
    const known = new Promise<void>((resolve) => {
      api.on('invocation', ({ routeKey }) => {
        if (routeKey === '$default' && ++asked === 8) resolve()
      })
    })
    const texts = Array.from({ length: 12 }, (_, i) => `${i}`)
    const sent = Promise.all(texts.map((text) => sender.send(stub, frame(text))))
    await known
    const { inbox } = await receiving()
    await sent
    const arrived = await Promise.all(texts.map(() => inbox.text()))
    expect(arrived.sort()).toEqual(texts.sort())
  })

  test('is posted once to a closed connection', async () => {
    const { api, front, sender, receiver } = await warm(make)
    const gone = new Promise((resolve) => api.once('disconnect', resolve))
    await receiver.close()
    await gone
    for (let i = 0; i < 2; i++) {
      expect(await failure(sender.send(stub, frame('x')))).toMatchObject({ details: { absent: true } })
      expect(front.posts).toHaveLength(1)
    }
  })

  test('is signed by the clock that the transport is given', async () => {
    const clock = { now: () => Date.now() - 3_600_000, schedule: systemClock.schedule }
    const { front, sender, inbox, relayed } = await warm(make, { clock, senderClock: clock })
    await sender.send(stub, frame('an hour ago'))
    expect(await inbox.text()).toBe('an hour ago')
    const signedAt = parseTime(front.signed[0]!)!
    expect(Math.abs(signedAt - clock.now())).toBeLessThan(60_000)
    expect({ posts: front.posts.length, relayed: relayed() }).toEqual({ posts: 1, relayed: 0 })
  })

  test('goes to every other session when a session sends to its own name, even on a shared transport', async () => {
    const { transport } = await opened(make)
    const [heard, own] = [new Inbox(), new Inbox()]
    await using _other = await transport.connect(session, heard, { identity: { session: 'other', epoch: 1 } })
    await using holder = await transport.connect(session, own, { identity: { session: 'holder', epoch: 2 } })
    await using asking = await transport.connect(stub, new Inbox())
    await asking.send(session, frame('to the holder'))
    expect(await own.text()).toBe('to the holder')
    for (const text of ['claim', 'claim again']) {
      await holder.send(session, frame(text))
      expect(await heard.text()).toBe(text)
    }
    expect(own.size).toBe(0)
  })

  test('reaches a receiver that returns within the second', async () => {
    const { api, sending, receiving } = await opened(make)
    const sender = await sending()
    const asked = new Promise((resolve) => api.once('invocation', resolve))
    const sent = sender.send(stub, frame('patience'))
    await asked
    const { inbox } = await receiving()
    expect(await inbox.text()).toBe('patience')
    await sent
  })

  test('stays within its app and stage', async () => {
    const { sending } = await opened(make)
    const sender = await sending()
    for (const elsewhere of [{ app: 'other' }, { stage: 'prod' }])
      expect(await failure(sender.send({ ...stub, ...elsewhere }, frame('x')))).toMatchObject({
        code: 'UNREACHABLE',
        message: expect.stringContaining('stays within it'),
      })
  })

  test.each<[string, readonly Fate[], { posts: number; relayed: number }]>([
    ['is throttled twice', [429, 429], { posts: 3, relayed: 0 }],
    ['breaks once, as a socket that the server has closed', ['break'], { posts: 2, relayed: 0 }],
    ['breaks twice', ['break', 'break'], { posts: 2, relayed: 1 }],
    ['fails on AWS’s side', [500], { posts: 1, relayed: 1 }],
  ])('arrives though a post %s', async (_how, fates, expected) => {
    const { front, sender, inbox, relayed } = await warm(make)
    front.decide = (index) => fates[index] ?? 'pass'
    await sender.send(stub, frame('arrives'))
    expect(await inbox.text()).toBe('arrives')
    expect({ posts: front.posts.length, relayed: relayed() }).toEqual(expected)
    // What comes next is posted again.
    await sender.send(stub, frame('next'))
    expect(await inbox.text()).toBe('next')
    expect({ posts: front.posts.length, relayed: relayed() }).toEqual({
      posts: expected.posts + 1,
      relayed: 0,
    })
  })

  test('fails with THROTTLED when it is throttled for two seconds', async () => {
    const { front, sender, relayed } = await warm(make)
    front.decide = () => 429
    expect(await failure(sender.send(stub, frame('too many')))).toMatchObject({
      code: 'THROTTLED',
      message: expect.stringMatching(/answered 429 for \d+ ms of 2000/),
    })
    expect(front.posts.length).toBeGreaterThan(3)
    expect(front.posts.length).toBeLessThan(12)
    expect(relayed()).toBe(0)
  })

  test('goes by the relay while the management API is silent, and tries posting again later', async () => {
    const clock = new ManualClock(Date.now())
    const { front, sender, inbox, relayed } = await warm(make, { clock, senderClock: clock })
    front.decide = (index) => (index === 0 ? 'silent' : 'pass')
    const sent = sender.send(stub, frame('slow'))
    await until(() => front.posts.length === 1)
    await clock.advance(5_000)
    await sent
    expect(await inbox.text()).toBe('slow')
    await sender.send(stub, frame('relayed'))
    expect(await inbox.text()).toBe('relayed')
    expect({ posts: front.posts.length, relayed: relayed() }).toEqual({ posts: 1, relayed: 2 })
    await clock.advance(10_000)
    await sender.send(stub, frame('posted'))
    expect(await inbox.text()).toBe('posted')
    expect({ posts: front.posts.length, relayed: relayed() }).toEqual({ posts: 2, relayed: 0 })
  })

  test('can be aborted on either route', async () => {
    const { front, sender } = await warm(make)
    for (const fate of ['silent', 429] as const) {
      front.decide = () => fate
      const aborting = new AbortController()
      const before = front.posts.length
      const failed = failure(sender.send(stub, frame('aborted'), { signal: aborting.signal }))
      await until(() => front.posts.length > before)
      aborting.abort()
      expect(await failed).toMatchObject({ code: 'ABORTED' })
    }
    const aborting = new AbortController()
    const nobody = { ...stub, name: 'nobody' }
    const failed = failure(sender.send(nobody, frame('aborted'), { signal: aborting.signal }))
    aborting.abort()
    expect(await failed).toMatchObject({ code: 'ABORTED' })
  })

  test.each([
    ['close()', 'CLOSED'],
    ['a cut', 'UNREACHABLE'],
  ])('is ended by %s, on either route', async (how, code) => {
    const clock = new ManualClock(Date.now())
    const { api, front, sender } = await warm(make, { senderClock: clock })
    front.decide = () => 'silent'
    const failed = [stub, { ...stub, name: 'nobody' }].map((to) => failure(sender.send(to, frame('x'))))
    await until(() => front.posts.length === 1)
    if (how === 'close()') await sender.close()
    else api.cut()
    for (const one of failed) expect(await one).toMatchObject({ code })
  })

  test('arrives though the relay fails once', async () => {
    let failures = 0
    const fails = (event: RelayEvent) => event.requestContext.routeKey === '$default' && failures++ === 0
    const { sending, receiving, relayed } = await opened(make, { fails })
    const { inbox } = await receiving()
    const sender = await sending()
    await sender.send(stub, frame('second time lucky'))
    expect(await inbox.text()).toBe('second time lucky')
    expect(relayed()).toBe(2)
  })

  test('fails when the relay always fails, and says where to look', async () => {
    const fails = (event: RelayEvent) => event.requestContext.routeKey === '$default'
    const { sending, receiving, relayed } = await opened(make, { fails })
    await receiving()
    const sender = await sending()
    const error = await failure(sender.send(stub, frame('never')))
    expect(error).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(
        /failed 4 times \('Internal server error'\): look at its function's log/,
      ),
    })
    expect(error.details).toEqual({})
    expect(relayed()).toBe(4)
  })

  test('fails when the relay gives no receipt', async () => {
    const clock = new ManualClock(Date.now())
    const { api, sending } = await opened(make, { senderClock: clock })
    const sender = await sending()
    api.cut({ silently: true })
    const failed = failure(sender.send(stub, frame('unheard')))
    await clock.advance(10_000)
    expect(await failed).toMatchObject({
      code: 'UNREACHABLE',
      message: 'The relay behind the API gave no receipt within 10000 ms.',
    })
    const closing = sender.close()
    await clock.advance(1_000)
    await closing
  })

  test('keeps the bytes of the moment it was sent', async () => {
    const { sender, inbox } = await warm(make)
    const bytes = frame('as it was')
    const sent = sender.send(stub, bytes)
    bytes.fill(0)
    await sent
    expect(await inbox.text()).toBe('as it was')
  })

  test('goes by the relay at most eight at once, and directly once the receiver is known', async () => {
    const { sending, receiving, front, relayed } = await opened(make)
    const { inbox } = await receiving()
    const sender = await sending()
    const frames = Array.from({ length: 30 }, (_, index) => `${index}`)
    await Promise.all(frames.map((text) => sender.send(stub, frame(text))))
    const arrived = await Promise.all(frames.map(() => inbox.text()))
    expect(arrived.sort()).toEqual(frames.sort())
    expect(relayed()).toBe(8)
    expect(front.posts).toHaveLength(22)
  })
})

test('a stub posts on one socket, and on another after a pause in which it may have been frozen', async () => {
  const clock = new ManualClock(Date.now())
  const { front, sender, inbox } = await warm(light.make, { clock, senderClock: clock })
  for (const [pauseMs, sockets] of [
    [0, 1],
    [15_000, 1],
    [25_000, 2],
  ] as const) {
    clock.jump(pauseMs)
    await sender.send(stub, frame('x'))
    expect(await inbox.text()).toBe('x')
    expect(front.sockets.size).toBe(sockets)
  }
})

test('a stub finds a session again after its connection died silently', async () => {
  const clock = new ManualClock(Date.now())
  const { api, front } = await opened(light.make)
  const transport = light.make({ endpoint: front.endpoint, clock })
  const identity = { session: 's', epoch: 1 }
  const [old, fresh] = [new Inbox(), new Inbox()]
  const sessions = light.make({ endpoint: api.endpoint })
  await using _before = await sessions.connect(session, old, { identity })
  await using sender = await transport.connect(stub, new Inbox())
  await sender.send(session, frame('known'))
  expect(await old.text()).toBe('known')
  api.cut({ connectionId: api.connections()[0]!.connectionId, silently: true })
  await using _after = await sessions.connect(session, fresh, { identity })
  // API Gateway takes it, and nobody gets it.
  await sender.send(session, frame('into the void'))
  await clock.advance(500)
  await sender.send(session, frame('asked again'))
  expect(await fresh.text()).toBe('asked again')
  expect(old.size).toBe(0)
})

describe('to a session that sends no answers (copies of events, parts of a large event)', () => {
  async function toSilentSession() {
    const clock = new ManualClock(Date.now())
    const { api, front, relayed } = await opened(light.make)
    const heard = new Inbox()
    const receiver = await light.make({ endpoint: api.endpoint }).connect(session, heard)
    onTestFinished(() => receiver.close())
    const sender = await light.make({ endpoint: front.endpoint, clock }).connect(stub, new Inbox())
    onTestFinished(() => sender.close())
    const send = async (text: string) => {
      await sender.send(session, frame(text))
      expect(await heard.text()).toBe(text)
    }
    await send('first')
    expect(relayed()).toBe(1)
    return { clock, send, relayed }
  }

  test('few frames go through the relay, for any duration', async () => {
    const { clock, send, relayed } = await toSilentSession()
    for (let second = 0; second < 100; second++) {
      await send(`${second}`)
      await clock.advance(1_000)
    }
    // At 1, 2, 4, 8 and 16 seconds, and every ten from then on.
    expect(relayed()).toBe(5 + 8)
  })

  test('one frame of many at once goes through the relay', async () => {
    const { clock, send, relayed } = await toSilentSession()
    await send('and silence')
    await clock.advance(600)
    await Promise.all(['a', 'a', 'a', 'a', 'a', 'a', 'a', 'a'].map(send))
    expect(relayed()).toBe(1)
  })
})

/** Resolves when it is so; looks at every turn of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
