// Streams over a broker that loses, repeats, reorders and changes frames and breaks connections, and a session that dies: every
// byte arrives once and in order, or the stream ends with an error.
import { expect, it } from 'vitest'
import type { Session } from '../../src/index.js'
import { faulty } from '../../src/testing/index.js'
import { memory } from '../../src/transports/memory.js'
import { ManualClock } from '../support/manual-clock.js'
import { Chance } from '../support/simulation.js'
import { readAll, StreamCaller, someCode, streamingExecutor } from '../support/streams.js'
import { openListening, Tether } from '../support/tether.js'

const SEEDS = Array.from({ length: 8 }, (_, seed) => seed)

interface Run {
  readonly expected: Buffer
  readonly read: Awaited<ReturnType<typeof readAll>>
}

/** One stream of random pieces, at random times; `fails` ends it with an error. */
async function run(
  seed: number,
  fails: boolean,
  during?: (session: Session, clock: ManualClock) => void,
): Promise<Run> {
  const chance = new Chance(seed)
  const clock = new ManualClock()
  const chaos = {
    drop: 0.1,
    duplicate: 0.1,
    reorder: 0.1,
    corrupt: 0.03,
    cut: 0.005,
    throttle: 0.02,
    delayMs: 40,
  }
  const transport = faulty(memory({ frameBytes: chance.pick([2_048, 16_384, 131_072]) }), {
    seed,
    clock,
    ...chaos,
  })
  await using tether = new Tether({ clock })
  const pieces = Array.from({ length: 60 }, (_, i) =>
    Buffer.alloc(chance.below(chance.pick([20, 5_000, 40_000])), i),
  )
  const session = tether.session({ transport })
  const executor = streamingExecutor(() => ({
    kind: 'stream',
    body: (async function* () {
      for (const piece of pieces) {
        if (chance.of(0.3)) await new Promise<void>((resolve) => clock.schedule(chance.below(400), resolve))
        yield piece
      }
      if (fails) throw new TypeError('broken')
    })(),
  }))
  session.serve({ executor, functions: { api: someCode } })
  await openListening(session, clock)
  await using stub = new StreamCaller(tether, { transport, clock })
  let over = false
  const reading = (async () => {
    const { body } = await stub.stream({ remainingMs: 900_000 })
    return readAll(body)
  })().finally(() => {
    over = true
  })
  reading.catch(() => {})
  during?.(session, clock)
  while (!over) await clock.advance(100)
  return { expected: Buffer.concat(pieces), read: await reading }
}

it.each(SEEDS)('brings every byte once and in order, and how it ended: seed %i', async (seed) => {
  const fails = seed % 3 === 0
  const { expected, read } = await run(seed, fails)
  expect(read.bytes.equals(expected)).toBe(true)
  expect(read.error?.message).toBe(fails ? 'broken' : undefined)
})
