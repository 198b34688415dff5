import { describe, expect, onTestFinished, test } from 'vitest'
import type { Invocation, Session, SessionStatus } from '../../src/index.js'
import { memory } from '../../src/transports/memory.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { ManualClock } from '../support/manual-clock.js'
import { mosquitto, startMosquitto } from '../support/mosquitto.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** The statuses of a session that say whether its own word comes back. */
function heard(session: Session): SessionStatus[] {
  const statuses: SessionStatus[] = []
  session.on('status', (status) => {
    if (status.state === 'unheard' || status.state === 'heard') statuses.push(status)
  })
  return statuses
}

describe('a session that does not receive its own messages', () => {
  /** A session on a broker that drops what the test says, until it says otherwise. */
  async function dropping(options: { frames: number; kept: number }) {
    const clock = new ManualClock()
    const tether = new Tether({ clock })
    onTestFinished(() => tether[Symbol.asyncDispose]())
    const broker = memory()
    const left = { ...options }
    const transport: typeof broker = {
      ...broker,
      connect: (self, { onFrame, onKept }, connectOptions) =>
        broker.connect(
          self,
          {
            onFrame: (frame) => (left.frames-- > 0 ? undefined : onFrame(frame)),
            onKept: (frame, name) => (left.kept-- > 0 ? undefined : onKept?.(frame, name)),
          },
          connectOptions,
        ),
    }
    const session = tether.session({ transport })
    const statuses = heard(session)
    const opening = session.open()
    const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
    /** Lets time pass, and after each part of it what was sent arrive. */
    const pass = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 100) {
        await turn()
        await turn()
        await clock.advance(100)
      }
    }
    return { session, statuses, opening, pass, left, broker, clock, tether }
  }

  test.each([
    ['frames', { frames: 100, kept: 0 }, ['shop/dev/session/default']],
    ['what is kept', { frames: 0, kept: 100 }, ['shop/dev/presence/default']],
    ['both', { frames: 100, kept: 100 }, ['shop/dev/session/default', 'shop/dev/presence/default']],
  ])('reports it after three seconds, with the addresses: %s', async (_what, dropped, addresses) => {
    const { statuses, pass } = await dropping(dropped)
    await pass(2_900)
    expect(statuses).toEqual([])
    await pass(200)
    expect(statuses).toMatchObject([
      { state: 'unheard', error: { code: 'UNREACHABLE', details: { addresses } } },
    ])
    await pass(10_000)
    expect(statuses).toHaveLength(1)
  })

  test('sends its message again: a broker may lose two of three', async () => {
    const { statuses, pass, opening, session } = await dropping({ frames: 2, kept: 2 })
    await pass(4_000)
    await opening
    expect(statuses).toEqual([])
    expect(session.status).toEqual({ state: 'connected' })
  })

  test('reports it once, across reconnects, until a message arrives', async () => {
    const { statuses, pass, left, broker } = await dropping({ frames: 1_000, kept: 0 })
    await pass(4_000)
    broker.cut()
    await pass(5_000)
    expect(statuses).toHaveLength(1)
    left.frames = 0
    broker.cut()
    await pass(5_000)
    expect(statuses.map(({ state }) => state)).toEqual(['unheard', 'heard'])
    left.frames = 1_000
    broker.cut()
    await pass(5_000)
    expect(statuses.map(({ state }) => state)).toEqual(['unheard', 'heard', 'unheard'])
  })

  test('reports a late message on the same connection: the broker is slow', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const broker = memory()
    const held: (() => void)[] = []
    const session = tether.session({
      transport: {
        ...broker,
        connect: (self, handlers, options) =>
          broker.connect(
            self,
            { ...handlers, onFrame: (frame) => void held.push(() => handlers.onFrame(frame)) },
            options,
          ),
      },
    })
    const statuses = heard(session)
    const opening = session.open()
    while (statuses.length === 0) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      await clock.advance(100)
    }
    expect(statuses).toMatchObject([
      { state: 'unheard', error: { message: expect.stringMatching(/did not come back within 3 s/) } },
    ])
    for (const deliver of held) deliver()
    expect(statuses.slice(1)).toEqual([{ state: 'heard' }])
    await opening
  })

  test('reports nothing while it closes: it sends no more messages', async () => {
    const { session, statuses, pass, opening, broker, tether } = await dropping({ frames: 0, kept: 0 })
    await pass(1_000)
    await opening
    const invoked = new Promise<Invocation>((resolve) =>
      session.on('invoke', (invocation) => {
        invocation.ack()
        resolve(invocation)
      }),
    )
    const answered = tether.stub({ transport: broker })({}, stubContext())
    await pass(500)
    const invocation = await invoked
    const closing = session.close()
    broker.cut()
    await pass(5_000)
    expect(statuses).toEqual([])
    invocation.respond('done')
    await pass(5_000)
    expect(await answered).toBe('done')
    await closing
  })

  test('reports nothing when its messages arrive, and leaves no timer', async () => {
    const { statuses, pass, opening, session, clock } = await dropping({ frames: 0, kept: 0 })
    await pass(5_000)
    await opening
    expect(statuses).toEqual([])
    await session.close()
    expect(clock.pending).toBe(0)
  })
})

test.skipIf(!mosquitto)('names the topics that Mosquitto’s access list drops (needs Mosquitto)', async () => {
  const [own, kept] = ['lambda-tether/shop/dev/session/default/0', 'lambda-tether/shop/dev/presence/default']
  await using broker = await startMosquitto({
    // It accepts the will and the subscriptions, and delivers nothing to the session.
    acl: [`topic write ${kept}`, 'topic readwrite lambda-tether/shop/dev/stub/#'],
  })
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  const session = tether.session({ transport: mqtt({ url: broker.url }) })
  session.on('status', ({ state }) => {
    if (state === 'connected') void clock.advance(3_000)
  })
  const told = new Promise<SessionStatus>((resolve) => {
    session.on('status', (status) => status.state === 'unheard' && resolve(status))
  })
  const opened = session.open()
  expect(await told).toMatchObject({
    error: {
      code: 'UNREACHABLE',
      message: expect.stringContaining(`'${own}' and '${kept}'`),
      details: { addresses: [own, kept] },
    },
  })
  await opened
})
