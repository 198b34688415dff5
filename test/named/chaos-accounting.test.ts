// The soak says that nothing was lost, run twice or crossed. Here it says so of cores that are wrong on purpose.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import { Caller } from '../../src/core/caller/caller.js'
import { Records } from '../../src/core/session/records.js'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import type { LambdaContext } from '../../src/index.js'
import { createStub } from '../../src/stub/handler.js'
import { stubKey } from '../../src/stub/key.js'
import { memory } from '../../src/transports/memory.js'

interface Report {
  readonly sent: number
  readonly answered: number
  readonly failed: Readonly<Record<string, number>>
  readonly lost: number
  readonly executedTwice: number
  readonly rerunAfterCrash: number
  readonly inFlightAtCrashes: number
  readonly rerunUnmarked: number
  readonly ranAfterAnswer: number
  readonly crossAnswered: number
}
interface Fault {
  readonly after: number
  readonly kind: string
  readonly forMs: number
  pick(): number
}
interface Results {
  readonly results: readonly object[]
  readonly sessions: readonly object[]
  readonly inFlightAtCrashes: number
}

// The bench is JavaScript that the package is built for; here it gets the sources.
const bench = (file: string) =>
  import(/* @vite-ignore */ new URL(`../../bench/chaos/${file}`, import.meta.url).href)
const { soak } = (await bench('soak.js')) as {
  soak(world: object, options: object, faults: readonly Fault[]): Promise<Report>
}
const { inMemory } = (await bench('in-memory.js')) as { inMemory(parts: object): object }
const { tally, brokenPromises } = (await bench('tally.js')) as {
  tally(said: Results): Report
  brokenPromises(report: Report): string[]
}

const COUNT = 60
const STUBS = 6
const CRASH: Fault = { after: COUNT / 2, kind: 'crash', forMs: 10, pick: () => 0 }
const CUTS: readonly Fault[] = ['cut', 'cut-session', 'cut'].map((kind, i) => ({
  after: 20 * i + 10,
  kind,
  forMs: 0,
  pick: () => 0.4,
}))

/** A stub's handler; one that streams collects what is written. */
type Called = (event: { readonly number: number }, context: LambdaContext) => Promise<unknown>

/** A soak of one kind of core. @param around what is wrong with the stubs */
async function soaked({
  around = (stub) => stub,
  faults = [],
  timeOutMs = 15_000,
}: {
  around?: (stub: Called) => Called
  faults?: readonly Fault[]
  timeOutMs?: number
} = {}): Promise<Report> {
  const world = inMemory({ createSession, createStub, memory, stubKey, TetherError, around })
  const options = { seed: 7, key: generateKey(), count: COUNT, stubs: STUBS, connections: 1, timeOutMs }
  return soak(world, options, faults)
}

describe('the soak', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('finds no fault in the unmodified core, through cuts and a crash', async () => {
    const report = await soaked({ faults: [...CUTS, CRASH].sort((a, b) => a.after - b.after) })
    expect(brokenPromises(report)).toEqual([])
    expect(report).toMatchObject({
      sent: COUNT,
      lost: 0,
      executedTwice: 0,
      crossAnswered: 0,
      rerunUnmarked: 0,
    })
    // The successor has nothing of what was streamed when the session crashed.
    const { SESSION_LOST = 0, ...others } = report.failed
    expect(others).toEqual({})
    expect(report.answered + SESSION_LOST).toBe(COUNT)
    expect(SESSION_LOST).toBeLessThanOrEqual(report.inFlightAtCrashes)
    expect(report.inFlightAtCrashes).toBeGreaterThan(0)
    expect(report.rerunAfterCrash).toBeLessThanOrEqual(report.inFlightAtCrashes)
  })

  it('counts an invocation without an outcome by the deadline as lost', async () => {
    const report = await soaked({
      around: (stub) => (event, context) =>
        event.number === 11 ? new Promise(() => {}) : stub(event, context),
      timeOutMs: 4_000,
    })
    expect(report).toMatchObject({ lost: 1, executedTwice: 0, crossAnswered: 0 })
    // On a busy machine others may fail, with a code, in so short a time.
    const failed = Object.values(report.failed).reduce((sum, count) => sum + count, 0)
    expect(report.answered + failed).toBe(COUNT - 1)
    expect(brokenPromises(report)).toEqual(['1 neither answered nor failed with a typed error'])
  })

  it('counts an untyped error as lost, and an error with a code as failed', async () => {
    const report = await soaked({
      around: (stub) => async (event, context) => {
        if (event.number === 11) throw new TypeError('cannot read properties of undefined')
        if (event.number === 12) throw Object.assign(new Error(), { name: 'LambdaTether.SESSION_LOST' })
        return stub(event, context)
      },
    })
    expect(report).toMatchObject({ lost: 1, failed: { TypeError: 1, SESSION_LOST: 1 }, answered: COUNT - 2 })
    expect(brokenPromises(report)).toHaveLength(1)
  })

  it('objects when most invocations find no session', async () => {
    const nobody = Object.assign(new Error(), { name: 'LambdaTether.NO_SESSION' })
    const report = await soaked({
      around: (stub) => async (event, context) => {
        if (event.number < COUNT - 25) throw nobody
        return stub(event, context)
      },
    })
    expect(report).toMatchObject({ lost: 0, answered: 25 })
    expect(brokenPromises(report)).toEqual(['25 of 60 answered, less than half'])
  })

  it('counts an invocation that a forgetful session starts again as executed twice', async () => {
    vi.spyOn(Records.prototype, 'get').mockReturnValue(undefined)
    // Some are never answered, and wait so long.
    const report = await soaked({ timeOutMs: 5_000 })
    expect(report.executedTwice).toBeGreaterThan(0)
    expect(brokenPromises(report)).toEqual([`${report.executedTwice} started twice by one session`])
  })

  it('counts the mixed-up answers of a stub as crossed', async () => {
    const { onMessage } = Caller.prototype
    const others = new WeakMap<Caller, string>()
    vi.spyOn(Caller.prototype, 'onMessage').mockImplementation(function (this: Caller, message, from) {
      // Whoever asked last but one gets what is for this one, as where answers are told apart by environment.
      const id = (message.type === 'result' && others.get(this)) || message.id
      others.set(this, message.id)
      onMessage.call(this, { ...message, id }, from)
    })
    const report = await soaked({ timeOutMs: 3_000 })
    expect(report.crossAnswered).toBeGreaterThan(0)
    expect(brokenPromises(report)).toContainEqual(`${report.crossAnswered} answered with what is another's`)
  })

  it('counts reruns after a crash, and objects to more reruns than invocations in flight', async () => {
    const sent: { event: { readonly number: number }; context: LambdaContext }[] = []
    const report = await soaked({
      faults: [CRASH],
      // Well after the crash it sends again what was answered long before.
      around: (stub) => async (event, context) => {
        if (sent.push({ event, context }) === COUNT - STUBS) {
          await Promise.all(sent.slice(0, COUNT / 2 - STUBS).map((one) => stub(one.event, one.context)))
        }
        return stub(event, context)
      },
    })
    expect(report.rerunAfterCrash).toBeGreaterThan(report.inFlightAtCrashes)
    expect(report.ranAfterAnswer).toBeGreaterThan(0)
    expect(report.rerunUnmarked).toBeGreaterThan(0)
    expect(brokenPromises(report)).toContainEqual(
      expect.stringMatching(/run again after crashes, where \d+ were/),
    )
  })
})

describe('its tally', () => {
  const start = (requestId: string, at = 0, rerun = false) => ({ requestId, at, rerun })
  const stubs = {
    sent: 3,
    answered: 3,
    failed: {},
    lost: 0,
    crossAnswered: 0,
    latencies: [5, 1, 9],
    answeredAt: { a: 10, b: 20 },
    residentMb: [50, 52.5],
  }
  const said = (...instances: object[][]) =>
    tally({
      results: [stubs],
      sessions: instances.map((starts) => ({ starts, residentMb: [] })),
      inFlightAtCrashes: 1,
    })

  it('distinguishes two runs in one session from one run in each of two', () => {
    expect(said([start('a'), start('b'), start('c')])).toMatchObject({ executedTwice: 0, rerunAfterCrash: 0 })
    expect(said([start('a'), start('a')])).toMatchObject({ executedTwice: 1, rerunAfterCrash: 0 })
    expect(said([start('a')], [start('a', 0, true)])).toMatchObject({
      executedTwice: 0,
      rerunAfterCrash: 1,
      rerunUnmarked: 0,
    })
    expect(said([start('a')], [start('a', 15)])).toMatchObject({ rerunUnmarked: 1, ranAfterAnswer: 1 })
  })

  it('measures time, memory and failures', () => {
    expect(said([])).toMatchObject({ sent: 3, p50Ms: 5, p99Ms: 9, rssGrowthMb: 2.5 })
  })
})
