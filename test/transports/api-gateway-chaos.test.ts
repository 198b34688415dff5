import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import { createSession } from '../../src/create-session.js'
import { createStub } from '../../src/stub/handler.js'
import type { StubOptions } from '../../src/stub/index.js'
import { stubKey } from '../../src/stub/key.js'
import { type FaultKind, faulty } from '../../src/testing/index.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { bothSides, type Database, key, startApi, startDatabase } from './api-gateway-fixture.js'

interface Report {
  readonly answered: number
  readonly failed: Readonly<Record<string, number>>
  readonly inFlightAtCrashes: number
}

// The bench is JavaScript that the package is built for; here it gets the sources.
const bench = (file: string) =>
  import(/* @vite-ignore */ new URL(`../../bench/chaos/${file}`, import.meta.url).href)
const { soak } = (await bench('soak.js')) as {
  soak(world: object, options: object, faults: readonly object[]): Promise<Report>
}
const { inMemory } = (await bench('in-memory.js')) as { inMemory(parts: object): object }
const { brokenPromises } = (await bench('tally.js')) as {
  brokenPromises(report: Report): string[]
}

/** On a real clock, and a machine that may have a lot to do: nobody is to be taken for absent. */
const PATIENCE_MS = 10_000

let database: Database
beforeAll(async () => {
  database = await startDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function openTransport() {
  const api = await startApi({ database })
  onTestFinished(() => api.close())
  return bothSides({ endpoint: api.endpoint })
}

describe('over API Gateway', () => {
  test('chaos: cuts and a crash lose nothing, run nothing twice and cross no answers', async () => {
    const transport = await openTransport()
    const world = inMemory({
      ...{ createSession, memory: () => transport, stubKey, TetherError },
      createStub: (options: StubOptions) => createStub({ ...options, ackTimeoutMs: PATIENCE_MS }),
    })
    const count = 60
    const fault = (after: number, kind: string) => ({ after, kind, forMs: 10, pick: () => 0.4 })
    const report = await soak(world, { seed: 7, key, count, stubs: 4, connections: 1, timeOutMs: 15_000 }, [
      fault(10, 'cut'),
      fault(25, 'cut-session'),
      fault(35, 'crash'),
      fault(50, 'cut'),
    ])
    expect(brokenPromises(report)).toEqual([])
    expect(report).toMatchObject({
      sent: count,
      lost: 0,
      executedTwice: 0,
      crossAnswered: 0,
      rerunUnmarked: 0,
    })
    // The successor has nothing of what was streamed when the session crashed.
    const { answered, failed, inFlightAtCrashes } = report
    const { SESSION_LOST = 0, ...others } = failed
    expect(others).toEqual({})
    expect(answered + SESSION_LOST).toBe(count)
    expect(SESSION_LOST).toBeLessThanOrEqual(inFlightAtCrashes)
  }, 60_000)

  test('faults: every invocation is answered with its own answer, after one run', async () => {
    const transport = faulty(await openTransport(), {
      seed: 5,
      throttle: 0.03,
      cut: 0.02,
      drop: 0.05,
      corrupt: 0.03,
      duplicate: 0.1,
      reorder: 0.1,
      delayMs: 20,
    })
    await using tether = new Tether({ key })
    const runs = new Map<number, number>()
    const session = tether.session({ transport })
    session.serve({
      functions: {
        api: ({ number, text }: { number: number; text: string }) => {
          runs.set(number, (runs.get(number) ?? 0) + 1)
          return { number, text }
        },
      },
    })
    await session.open()
    // Each fifth takes several frames.
    const events = Array.from({ length: 80 }, (_, number) => {
      const text = Array.from({ length: number % 5 === 0 ? 40_000 : 10 }, (_, i) =>
        ((i * (number + 7)) % 997).toString(36),
      )
      return { number, text: text.join('') }
    })
    const stubs = Array.from({ length: 4 }, () => tether.stub({ transport, ackTimeoutMs: PATIENCE_MS }))
    await Promise.all(
      stubs.map(async (stub, index) => {
        for (const event of events.filter(({ number }) => number % stubs.length === index))
          expect(await stub(event, stubContext({ remainingMs: 60_000 }))).toEqual(event)
      }),
    )
    expect(runs.size).toBe(events.length)
    expect([...runs.values()].filter((times) => times !== 1)).toEqual([])
    const { faults } = transport.report()
    const kinds: FaultKind[] = ['throttle', 'cut', 'drop', 'corrupt', 'duplicate', 'reorder', 'delay']
    for (const kind of kinds) expect(faults[kind], kind).toBeGreaterThan(0)
  }, 60_000)
})
