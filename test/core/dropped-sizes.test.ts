import { randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { openListening, Tether } from '../support/tether.js'

/** What does not compress, of this many bytes as JSON. */
const text = (bytes: number) => randomBytes(bytes).toString('base64').slice(0, bytes)
const LIMIT = 20_000

/** A session and a stub on a broker that drops in silence what is larger than its limit, and both sides' time. */
async function limited() {
  const clock = new ManualClock()
  const tether = new Tether({ clock, frameBytes: 50_000 })
  onTestFinished(() => tether[Symbol.asyncDispose]())
  let dropped = 0
  tether.transport.filter = ({ frame }) => {
    if (frame.length <= LIMIT) return [frame]
    dropped++
    return []
  }
  const session = tether.session()
  let ran = 0
  session.on('invoke', (invocation) => {
    ran++
    return invocation.respond(text((invocation.event as { bytes: number }).bytes))
  })
  await openListening(session, clock)
  const stub = tether.stub()
  const context = () => stubContext({ getRemainingTimeInMillis: () => 30_000 })
  /** Invokes; time passes until there is an outcome. */
  const invoke = async (event: object) => {
    const startedAt = clock.now()
    let over = false
    const outcome = stub(event, context()).finally(() => {
      over = true
    })
    outcome.catch(() => {})
    while (!over) {
      for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
      if (!over) await clock.advance(50)
    }
    return { outcome, tookMs: clock.now() - startedAt }
  }
  return { invoke, ran: () => ran, dropped: () => dropped }
}

describe('a broker that drops frames for their size', () => {
  test.each([
    ['an event of one frame', 30_000, '2\\d,\\d{3}'],
    ['an event of several', 170_000, '50,000'],
  ])('is distinguished from an absent session: %s', async (_what, bytes, number) => {
    const { invoke, ran, dropped } = await limited()
    const { outcome, tookMs } = await invoke({ text: text(bytes), bytes: 10 })
    await expect(outcome).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringMatching(
        `Small messages reach session 'default'.*those of ${number} bytes do not.*'frameBytes'`,
      ),
    })
    expect(ran()).toBe(0)
    expect(tookMs).toBeLessThan(8_000)
    expect(dropped()).toBeLessThan(60)
    // Nothing says that nobody is there: the next one does not fail at once.
    const small = await invoke({ bytes: 10 })
    expect(await small.outcome).toHaveLength(10)
    expect(small.tookMs).toBeLessThan(100)
  })

  test.each([
    ['a response of one frame', 30_000, '2\\d,\\d{3}'],
    ['a response of several', 170_000, '50,000'],
  ])('fails with TOO_LARGE after the code has run: %s', async (_what, bytes, number) => {
    const { invoke, ran } = await limited()
    const { outcome } = await invoke({ bytes })
    await expect(outcome).rejects.toMatchObject({
      name: 'LambdaTether.TOO_LARGE',
      message: expect.stringMatching(
        `has run.*Small messages reach the stub, those of ${number} bytes do not.*'frameBytes'`,
      ),
    })
    expect(ran()).toBe(1)
    const small = await invoke({ bytes: 10 })
    expect(await small.outcome).toHaveLength(10)
    expect(small.tookMs).toBeLessThan(100)
  })
})
