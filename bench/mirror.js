// The cost of mirroring to the real function: invoking it in the local Lambda host (frozen in between, as on Lambda)
// with the layer in mirror mode and without it, in turns, for each style of handler and each state of the broker.
// `p99GrowthMs` is the median of three rounds, and the worst of all combinations; 5 is the aim. Then cold starts:
// alone, wrapped, and mirrored, of a small function and of a function that loads an AWS client. Options: --count N
// (invocations of a round, default 300), --bytes N (an event's, default 10,000), --starts N (default 10).
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generateKey } from 'lambda-tether'
import { createLocalCloud } from 'lambda-tether/local'
import { stubEnvironment } from 'lambda-tether/stub'
import { codeFolder, layerFolder, wrapped } from './mirror/functions.js'
import { startProcess } from './process/start.js'
import { median, quantile } from './statistics/quantile.js'

const WARM_UP = 30
const ROUNDS = 3
const BROKERS = ['attached', 'silent', 'unreachable', 'hanging']
const HEAVY = createRequire(import.meta.url).resolve('@aws-sdk/client-s3')

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: 'string', default: '300' },
      bytes: { type: 'string', default: '10000' },
      starts: { type: 'string', default: '10' },
    },
  })
  const count = Number(values.count)
  const event = 'x'.repeat(Number(values.bytes) - 2)
  const folder = await mkdtemp(join(tmpdir(), 'tether-mirror-'))
  const cloud = createLocalCloud()
  try {
    await cloud.open()
    const layer = await layerFolder(folder)
    const growths = {}
    for (const style of ['async', 'callback']) {
      const bundle = await codeFolder(folder, style)
      for (const broker of BROKERS) {
        growths[`${style}-${broker}`] = await growth({ cloud, layer, bundle, style, broker, count, event })
      }
    }
    const cold = await coldStarts({ cloud, layer, folder, starts: Number(values.starts) })
    const p99GrowthMs = round(Math.max(...Object.values(growths).map(({ p99GrowthMs: ms }) => ms)))
    return { count, eventBytes: Number(values.bytes), ...growths, cold, p99GrowthMs }
  } finally {
    await cloud.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function growth({ cloud, layer, bundle, style, broker, count, event }) {
  const name = `${style}-${broker}`
  const parties = { app: 'mirror', stage: name, key: generateKey() }
  const other = startProcess(new URL('./mirror/broker-process.js', import.meta.url), {
    BENCH_BROKER: broker,
    BENCH_APP: parties.app,
    BENCH_STAGE: parties.stage,
    BENCH_KEY: parties.key,
  })
  try {
    const { url } = await other.message('ready')
    const plain = cloud.function({ name: `${name}-plain`, bundle, memoryMb: 512 })
    const stub = stubEnvironment({ ...parties, functionId: 'api', url, mode: 'mirror' })
    const mirrored = cloud.function({ name, bundle, memoryMb: 512, ...wrapped(layer, stub) })
    const rounds = []
    for (let round = 0; round < ROUNDS; round++) rounds.push(await inTurns(plain, mirrored, count, event))
    await Promise.all([plain.expire(), mirrored.expire()])
    other.send({})
    const { arrived } = await other.message('arrived')
    const figure = (of) => round(median(rounds.map(of)))
    return {
      plainP50Ms: figure(({ alone }) => median(alone)),
      mirroredP50Ms: figure(({ both }) => median(both)),
      plainP99Ms: figure(({ alone }) => quantile(alone, 0.99)),
      mirroredP99Ms: figure(({ both }) => quantile(both, 0.99)),
      p99GrowthMs: figure(({ alone, both }) => quantile(both, 0.99) - quantile(alone, 0.99)),
      arrived,
    }
  } finally {
    await other.end()
  }
}

async function inTurns(plain, mirrored, count, event) {
  const times = new Map([
    [plain, []],
    [mirrored, []],
  ])
  for (let i = -WARM_UP; i < count; i++) {
    // In alternating order: the second may run while the first is still at work.
    for (const fn of i % 2 === 0 ? [plain, mirrored] : [mirrored, plain]) {
      const took = await duration(fn, event)
      if (i >= 0) times.get(fn).push(took)
    }
  }
  return { alone: times.get(plain), both: times.get(mirrored) }
}

async function duration(fn, event) {
  // The host's own durations are in whole milliseconds.
  const startedAt = performance.now()
  const { functionError, payload } = await fn.invoke(event)
  const took = performance.now() - startedAt
  if (functionError !== undefined) throw new Error(`${fn.name}: ${Buffer.from(payload)}`)
  return took
}

/** Medians of the start alone, before the first invocation is run. */
async function coldStarts({ cloud, layer, folder, starts }) {
  const parties = { app: 'mirror', stage: 'cold', key: generateKey(), functionId: 'api' }
  const stub = (mode) =>
    wrapped(layer, stubEnvironment({ ...parties, url: cloud.mqttUrl, ackTimeoutMs: 100, mode }))
  const forms = { alone: {}, wrapped: stub('live'), mirrored: stub('mirror') }
  const result = {}
  for (const [kind, heavy] of [
    ['small', undefined],
    ['heavy', HEAVY],
  ]) {
    const bundle = await codeFolder(folder, 'async', heavy)
    const times = Object.fromEntries(Object.keys(forms).map((form) => [form, []]))
    const functions = Object.entries(forms).map(([form, settings]) => [
      form,
      cloud.function({ name: `cold-${kind}-${form}`, bundle, memoryMb: 512, ...settings }),
    ])
    for (let i = 0; i < starts; i++) {
      for (const [form, fn] of functions) {
        const { initDurationMs } = await fn.invoke('x')
        times[form].push(initDurationMs)
        await fn.expire()
      }
    }
    for (const [form, list] of Object.entries(times))
      result[`${kind}-${form}-initP50Ms`] = round(median(list))
  }
  return result
}

const round = (value) => Math.round(value * 10) / 10
