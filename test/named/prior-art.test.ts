// The failures of the tools before this one, by their numbers in the project's list: each is impossible here.
import { randomBytes, randomInt } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/core/base/clock.js'
import { Reassembly } from '../../src/core/wire/reassembly.js'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { memoryStore } from '../../src/stores/memory.js'
import { iotLight } from '../../src/transports/iot/light.js'
import { iot } from '../../src/transports/iot.js'
import { memory } from '../../src/transports/memory.js'
import { events, openBroker } from '../local/local-broker-fixture.js'
import { delayed, IOT_TRANSPORT_LIMITS } from '../support/delayed-transport.js'
import { ManualClock } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { identity, region, startGateway } from '../transports/iot-gateway.js'

const HOUR_MS = 3_600_000
/** From a laptop to a region nearby. */
const ROUND_TRIP_MS = 45

/** Text of so many bytes that does not compress below three quarters. */
const randomText = (bytes: number) => randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64')

/** A session and stubs 45 ms from a broker with AWS IoT's limits. */
async function farAway(options: { store?: ReturnType<typeof memoryStore> } = {}) {
  const clock = new ManualClock()
  const transport = delayed(memory(), { roundTripMs: ROUND_TRIP_MS, clock, limits: IOT_TRANSPORT_LIMITS })
  const tether = new Tether({ clock })
  onTestFinished(() => tether[Symbol.asyncDispose]())
  const runs: unknown[] = []
  const session = tether.session({ transport, ...options }).on('invoke', (invocation) => {
    const { answerBytes } = invocation.event as { answerBytes: number }
    runs.push(invocation.id)
    return invocation.respond(randomText(answerBytes))
  })
  const opening = session.open()
  await clock.advance(1_000)
  await opening
  const stub = tether.stub({ transport })
  /** What came of an invocation, and when. */
  const invoke = async (event: { answerBytes: number; text?: string }, withinMs: number) => {
    const startedAt = clock.now()
    const outcome = stub(event, stubContext({ remainingMs: withinMs })).then((answer) => ({
      answer: answer as string,
      afterMs: clock.now() - startedAt,
    }))
    outcome.catch(() => {})
    await clock.advance(withinMs)
    return outcome
  }
  return { clock, runs, invoke, session }
}

describe('prior art 1: a message is cut by bytes, not by characters', () => {
  it('60,000 漢 and the next invocation cross, both ways, a broker that disconnects senders of more than 128 KB', async () => {
    const broker = createLocalBroker({ region, identities: [identity] })
    onTestFinished(() => broker.close())
    await broker.open()
    const ended = events(broker, 'disconnect')
    const sent = events(broker, 'publish')
    await using tether = new Tether()
    const options = { endpoint: broker.webSocketUrl, region, credentials: () => identity }
    const session = tether.session({ transport: iot(options) })
    session.on('invoke', (invocation) => invocation.respond(invocation.event))
    await session.open()
    const stub = tether.stub({ transport: iotLight(options) })
    // Of random characters, so that no compressor makes one frame of it; a line separator is one, too.
    const many = Array.from({ length: 120_000 }, () => String.fromCodePoint(0x4e00 + randomInt(20_000)))
    for (const text of ['漢'.repeat(60_000), `${many.join('')}\u2028"\\"`, 'small']) {
      expect(await stub({ text, again: JSON.stringify({ text }) }, stubContext())).toEqual({
        text,
        again: JSON.stringify({ text }),
      })
    }
    // More than one packet each way, none of them larger than the broker takes.
    expect(sent.filter(({ bytes }) => bytes > 100_000).length).toBeGreaterThanOrEqual(4)
    expect(ended).toEqual([])
    expect(tether.discards).toEqual([])
  })
})

describe('prior art 2: an answer of several frames at 45 ms', () => {
  it('reaches a warm stub each time, and its code runs once', async () => {
    const { invoke, runs } = await farAway()
    expect((await invoke({ answerBytes: 10 }, 5_000)).answer).toHaveLength(12)
    for (let round = 1; round <= 7; round++) {
      const { answer, afterMs } = await invoke({ answerBytes: 400_000 }, 10_000)
      expect(answer).toHaveLength(400_000)
      // Not before its bytes were allowed to, and without a pause that nothing needs.
      expect(afterMs).toBeLessThan(1_000)
      expect(runs).toHaveLength(1 + round)
    }
  })
})

describe('prior art 3: a request of 5.9 MB at 45 ms', () => {
  it('never times out by silence: its first part is acknowledged, and silence counts from its last part', async () => {
    const { invoke, runs, session } = await farAway()
    const { afterMs, answer } = await invoke({ answerBytes: 10, text: randomText(5_900_000) }, 60_000)
    expect(answer).toHaveLength(12)
    // Longer than the stub waits for a sign of life.
    expect(afterMs).toBeGreaterThan(5_000)
    expect(runs).toHaveLength(1)
    expect(session.stats().duplicates.invocations).toBe(0)
  })

  it('takes little time with a payload store', async () => {
    await using store = memoryStore()
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const transport = delayed(memory(), { roundTripMs: ROUND_TRIP_MS, clock, limits: IOT_TRANSPORT_LIMITS })
    const session = tether.session({ transport, store })
    session.on('invoke', (invocation) => invocation.respond((invocation.event as string).length))
    const opening = session.open()
    await clock.advance(1_000)
    await opening
    const startedAt = clock.now()
    let afterMs: number | undefined
    const text = randomText(5_900_000)
    const outcome = tether
      .stub({ transport })(text, stubContext())
      .finally(() => {
        afterMs = clock.now() - startedAt
      })
    // The object crosses a real socket: time goes on in small steps until it has.
    while (afterMs === undefined) await clock.advance(5)
    expect(await outcome).toBe(text.length)
  })
})

describe('prior art 7: a laptop sleeps past the end of its credentials', () => {
  it('it fetches new credentials when it wakes, and does not reuse rejected ones', async () => {
    const { broker } = await openBroker({ region, clock: systemClock })
    const renewed = { accessKeyId: 'ASIARENEWED', secretAccessKey: 'another/word' }
    const known = [identity]
    const gateway = await startGateway({
      port: Number(new URL(broker.mqttUrl).port),
      identities: known,
    })
    const clock = new ManualClock(Date.now())
    await using tether = new Tether({ clock })
    // The cache of who is logged in: the first answer after waking is still the old one.
    const given = [identity, identity, renewed]
    const session = tether.session({
      transport: iot({ endpoint: gateway.url, region, credentials: () => given.shift()! }),
    })
    session.on('invoke', (invocation) => invocation.respond('awake'))
    await session.open()
    const connected = new Promise<void>((resolve) => {
      session.on('status', ({ state }) => state === 'connected' && resolve())
    })
    // Asleep: nothing happens here, while credentials expire and the broker forgets the connection.
    clock.jump(8 * HOUR_MS)
    known.splice(0, 1, renewed as typeof identity)
    gateway.cut()
    const ticking = setInterval(() => void clock.advance(50), 5)
    onTestFinished(() => clearInterval(ticking))
    await connected
    expect(gateway.refusals).toHaveLength(1)
    expect(gateway.asked).toHaveLength(3)
    expect(given).toEqual([])
    const stub = tether.stub({
      clock: systemClock,
      transport: iotLight({ endpoint: gateway.url, region, credentials: () => renewed }),
    })
    expect(await stub({}, stubContext())).toBe('awake')
  })
})

describe('prior art 9: over 100 messages a second on one connection', () => {
  it('300 cold stubs at once are all answered, although the broker discards excess messages', async () => {
    // All 300 share this one process: time goes on as it gets on, so that a busy machine takes nobody's time away.
    const clock = new ManualClock(Date.now())
    const { broker } = await openBroker({ region, identities: [identity], clock })
    const discarded = events(broker, 'discard')
    await using tether = new Tether({ clock })
    const options = { endpoint: broker.webSocketUrl, region, credentials: () => identity, clock }
    const runs = new Map<unknown, number>()
    const session = tether.session({ transport: iot(options) })
    session.on('invoke', (invocation) => {
      runs.set(invocation.event, (runs.get(invocation.event) ?? 0) + 1)
      return invocation.respond(invocation.event)
    })
    await session.open()
    const numbers = Array.from({ length: 300 }, (_, number) => number)
    const startedAt = clock.now()
    let afterMs: number | undefined
    const answers = Promise.allSettled(
      numbers.map((number) =>
        tether.stub({ transport: iotLight(options) })(number, stubContext({ remainingMs: 60_000 })),
      ),
    ).finally(() => {
      afterMs = clock.now() - startedAt
    })
    while (afterMs === undefined) await clock.advance(5)
    expect(await answers).toEqual(numbers.map((value) => ({ status: 'fulfilled', value })))
    expect([...runs.values()].filter((times) => times !== 1)).toEqual([])
    expect(runs.size).toBe(300)
    expect(discarded.some(({ direction, reason }) => direction === 'out' && reason === 'rate')).toBe(true)
    // Each costs three messages and more at 100 a second.
    expect(afterMs).toBeGreaterThan(5_000)
    expect(afterMs).toBeLessThan(40_000)
  }, 60_000)
})

describe('prior art 12: incomplete messages are not kept', () => {
  it('parts of messages expire', async () => {
    const clock = new ManualClock()
    const reassembly = new Reassembly(clock)
    const part = (index: number) => ({ index, count: 2, totalBytes: 200_000 }) as never
    for (let n = 0; n < 10; n++) reassembly.add(`m${n}`, part(0), Buffer.alloc(100_000))
    expect(reassembly.bytes).toBeGreaterThanOrEqual(1_000_000)
    for (let seconds = 0; seconds < 31; seconds++) {
      await clock.advance(1_000)
      reassembly.add('later', part(0), Buffer.alloc(100))
    }
    expect(reassembly.bytes).toBeLessThan(2_000)
  })
})
