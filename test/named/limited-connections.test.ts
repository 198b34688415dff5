// Brokers end connections when their time is over: two hours on API Gateway, a day on AWS IoT. Nothing may be lost then.
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Clock, Transport } from '../../src/index.js'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import type { StubHandler } from '../../src/stub/index.js'
import { iotLight } from '../../src/transports/iot/light.js'
import { iot } from '../../src/transports/iot.js'
import { memory } from '../../src/transports/memory.js'
import { events } from '../local/local-broker-fixture.js'
import { delayed } from '../support/delayed-transport.js'
import { ManualClock } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { identity, region } from '../transports/iot-gateway.js'

const HOUR_MS = 3_600_000
const SWITCHES = 3

/** Invocations that were sent and how each ended; each is its own number. */
class Load {
  readonly runs = new Map<unknown, number>()
  readonly outcomes: unknown[] = []
  sent = 0
  inFlight = 0
  #over = false
  readonly #loops: Promise<void>[] = []

  /** Has the stub invoke one after the other until the load is stopped. */
  keepBusy(stub: StubHandler, pause: () => Promise<void> | undefined): void {
    const loop = async () => {
      while (!this.#over) {
        await this.#invoke(stub)
        await pause()
      }
    }
    this.#loops.push(loop())
  }

  ran(event: unknown): void {
    this.runs.set(event, (this.runs.get(event) ?? 0) + 1)
  }

  /** Resolves when everything that was sent has its outcome. */
  async stop(): Promise<void> {
    this.#over = true
    await Promise.all(this.#loops)
  }

  /** Each answered, with its own answer, after one run. */
  check(): void {
    expect(this.outcomes).toHaveLength(this.sent)
    expect(this.outcomes.filter((outcome) => outcome !== 'its own')).toEqual([])
    expect(this.runs.size).toBe(this.sent)
    expect([...this.runs.values()].filter((times) => times !== 1)).toEqual([])
  }

  async #invoke(stub: StubHandler): Promise<void> {
    const number = this.sent++
    this.inFlight++
    this.outcomes.push(
      await stub(number, stubContext({ remainingMs: 900_000 })).then(
        (answer) => (answer === number ? 'its own' : answer),
        (error: unknown) => error,
      ),
    )
    this.inFlight--
  }
}

/** Counts the connections of the session. */
function counting(transport: Transport): Transport & { sessions: number } {
  const counted = {
    ...transport,
    sessions: 0,
    connect: (...args: Parameters<Transport['connect']>) => {
      if (args[0].role === 'session') counted.sessions++
      return transport.connect(...args)
    },
  }
  return counted
}

describe('a transport with connections that live for two hours, under load', () => {
  it('loses no invocation at the switch, runs none twice, and resends none', async () => {
    const clock = new ManualClock()
    const lifetimeMs = 2 * HOUR_MS
    const transport = counting(delayed(memory(), { roundTripMs: 45, clock, lifetimeMs }))
    await using tether = new Tether({ clock })
    const load = new Load()
    const session = tether.session({ transport })
    const lost: string[] = []
    session.on('status', ({ state }) => state === 'disconnected' && lost.push(state))
    session.on('invoke', async (invocation) => {
      load.ran(invocation.event)
      const long = invocation.environmentId === longest
      invocation.ack()
      await wait(clock, long ? 840_000 : 20)
      await invocation.respond(invocation.event)
    })
    let longest = ''
    session.once('invoke', ({ environmentId }) => {
      longest = environmentId
    })
    const opening = session.open()
    await clock.advance(1_000)
    await opening
    // One that is never idle for long, and several that are busy around each switch and else only now and then.
    const start = clock.now()
    const nearSwitch = () => {
      const phase = (clock.now() - start) % (lifetimeMs - 60_000)
      return phase > lifetimeMs - 60_000 - 8_000 || phase < 8_000
    }
    load.keepBusy(tether.stub({ transport }), () => undefined)
    await clock.advance(1_000)
    for (let n = 0; n < 4; n++) {
      load.keepBusy(tether.stub({ transport }), () => wait(clock, nearSwitch() ? 5 : 50_000))
    }
    let idle = 0
    while (transport.sessions <= SWITCHES || nearSwitch()) {
      await clock.advance(nearSwitch() ? 500 : 10_000)
      if (load.inFlight === 0) idle++
    }
    const stopping = load.stop()
    await clock.advance(900_000)
    await stopping
    load.check()
    expect(idle).toBe(0)
    expect(load.sent).toBeGreaterThan(1_000)
    expect(lost).toEqual([])
    const { resends, duplicates, invocations } = session.stats()
    expect(invocations.received).toBe(load.sent)
    expect(resends).toEqual({ answers: 0, parts: 0 })
    expect(duplicates.invocations).toBe(0)
    expect(tether.discards).toEqual([])
  }, 60_000)
})

describe('the local broker, ending each WebSocket after five seconds, under load', () => {
  it('loses nothing over AWS IoT’s transports', async () => {
    const lifetimeMs = 5_000
    const broker = createLocalBroker({
      region,
      identities: [identity],
      limits: { webSocketLifetimeMs: lifetimeMs },
    })
    onTestFinished(() => broker.close())
    await broker.open()
    const ended = events(broker, 'disconnect')
    const options = { endpoint: broker.webSocketUrl, region, credentials: () => identity }
    const near = counting(ending(iot(options), lifetimeMs))
    await using tether = new Tether()
    const load = new Load()
    const session = tether.session({ transport: near })
    const lost: string[] = []
    session.on('status', ({ state }) => state === 'disconnected' && lost.push(state))
    const enough = new Promise<void>((resolve) => {
      session.on('invoke', async (invocation) => {
        load.ran(invocation.event)
        if (near.sessions > SWITCHES) resolve()
        await invocation.respond(invocation.event)
      })
    })
    await session.open()
    for (let n = 0; n < 4; n++) {
      // Paced: a broker that discards what is too much makes others repeat, which is another test's matter.
      const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 150))
      load.keepBusy(tether.stub({ transport: ending(iotLight(options), lifetimeMs) }), pause)
    }
    await enough
    await load.stop()
    load.check()
    expect(load.sent).toBeGreaterThan(20)
    expect(lost).toEqual([])
    expect(session.stats().resends.parts).toBe(0)
    // Everybody left before the broker threw them out.
    expect(ended.filter(({ reason }) => reason === 'WEBSOCKET_TTL_EXPIRATION')).toEqual([])
  }, 60_000)
})

function wait(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.schedule(ms, resolve))
}

/** The transport, knowing that the broker ends its connections sooner than AWS. */
function ending(transport: Transport, lifetimeMs: number): Transport {
  return {
    ...transport,
    connect: async (...args) => {
      const bornAt = Date.now()
      const connection = await transport.connect(...args)
      return new Proxy(connection, {
        get(target, name) {
          if (name === 'expiresAt') return bornAt + lifetimeMs
          const value: unknown = Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
  }
}
