// The time from a save until new code is ready, evaluated in the worker that takes the next invocation, and from then
// until it answers the first invocation. Options: --saves N (default 50), --bursts N (default 10), --against FOLDER
// (another checkout with a build: its function is saved in turns with this one's; each result then has `before`).
import { tracingChannel } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { builds, importBuilt } from './builds/build.js'
import { executorsOf } from './reload/executors.js'
import { handlers } from './reload/handlers.js'
import { liveFunction } from './reload/live-function.js'
import { quantile } from './statistics/quantile.js'

const AIM_MS = 10
const BURST_SAVES = 5
const BURST_PAUSE_MS = 20
/** Saves before the measured ones. */
const WARM_UP = 3

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      saves: { type: 'string', default: '50' },
      bursts: { type: 'string', default: '10' },
      against: { type: 'string' },
    },
  })
  const result = { saves: Number(values.saves), bursts: Number(values.bursts) }
  const folders = builds(values.against)
  for (const name of ['threads', 'processes']) {
    result[name] = {}
    for (const [kind, source] of Object.entries(handlers)) {
      const { now, ...before } = await measure(folders, name, source, result)
      result[name][kind] = { ...now, ...before }
    }
  }
  return result
}

/** Measures one handler with each build, by turns. */
async function measure(folders, executor, source, { saves, bursts }) {
  const measured = []
  try {
    for (const [name, folder] of Object.entries(folders))
      measured.push([name, await Measured.start(folder, executor, source)])
    for (let i = -WARM_UP; i < saves; i++) for (const [, one] of measured) await one.save(i >= 0)
    for (let i = 0; i < bursts; i++) for (const [, one] of measured) await one.saveOften()
    return Object.fromEntries(measured.map(([name, one]) => [name, one.result()]))
  } finally {
    for (const [, one] of measured) await one.close()
  }
}

/** One build's function, and the times of its saves. */
class Measured {
  static async start(folder, executor, source) {
    const { tracingChannels } = await importBuilt('lambda-tether', folder)
    const makeExecutor = (await executorsOf(folder))[executor]
    const live = await liveFunction({ executor: makeExecutor(), source: source(1), build: folder })
    await live.invoke()
    return new Measured(live, source, timesOf(tracingChannels.build))
  }

  constructor(live, source, builds) {
    this.live = live
    this.source = source
    this.builds = builds
    this.version = 1
    this.times = { ready: [], answered: [], noticed: [], built: [], loaded: [] }
    this.bursts = []
  }

  async save(counts) {
    const { live, builds, times } = this
    await spare(live)
    builds.listens = true
    const reloaded = new Promise((resolve) => live.session.once('reload', resolve))
    const savedAt = await live.save(this.source(++this.version))
    await reloaded
    const readyAt = performance.now()
    const readyTime = Date.now()
    builds.listens = false
    const answer = await live.invoke()
    const answeredAt = performance.now()
    check(answer, this.version, readyTime)
    if (!counts) return
    times.ready.push(readyAt - savedAt)
    times.answered.push(answeredAt - savedAt)
    times.noticed.push(builds.startedAt - savedAt)
    times.built.push(builds.endedAt - builds.startedAt)
    times.loaded.push(readyAt - builds.endedAt)
  }

  async saveOften() {
    await spare(this.live)
    let savedTime
    for (let j = 0; j < BURST_SAVES; j++) {
      if (j > 0) await sleep(BURST_PAUSE_MS)
      await this.live.save(this.source(++this.version))
      savedTime = Date.now()
    }
    this.bursts.push((await evaluatedAt(this.live, this.version)) - savedTime)
  }

  result() {
    const { times, bursts } = this
    return {
      readyP50Ms: ms(times.ready, 0.5),
      readyP95Ms: ms(times.ready, 0.95),
      answeredP50Ms: ms(times.answered, 0.5),
      ...(bursts.length > 0 && { burstReadyP50Ms: ms(bursts, 0.5) }),
      ...missed(times),
    }
  }

  async close() {
    this.builds.stop()
    await this.live.close()
  }
}

/** If the aim is missed, names the step: noticing the save, building, or loading the build. */
function missed(times) {
  if (quantile(times.ready, 0.5) < AIM_MS) return {}
  const steps = Object.entries({ noticed: times.noticed, built: times.built, loaded: times.loaded })
  return { stepsP50Ms: Object.fromEntries(steps.map(([step, values]) => [step, ms(values, 0.5)])) }
}

function check(answer, version, readyAt) {
  if (answer.version !== version) throw new Error(`Version ${answer.version} answered, not ${version}.`)
  if (answer.evaluatedAt > readyAt) throw new Error('It was said to be ready before it was.')
}

async function spare(live) {
  while (live.stats().spares === 0) await sleep(5)
}

/** Returns when this version was evaluated, in Unix milliseconds: threads and processes share that clock. */
async function evaluatedAt(live, version) {
  for (;;) {
    const answer = await live.invoke()
    if (answer.version === version) return answer.evaluatedAt
  }
}

/** When the last run of a stage began and ended while it listened: both builds publish on the same channel. */
function timesOf(channel) {
  const times = { listens: false, startedAt: 0, endedAt: 0, stop: () => subscribed.unsubscribe(subscriber) }
  const subscribed = tracingChannel(channel)
  const subscriber = {
    start: () => {
      if (times.listens) times.startedAt = performance.now()
    },
    end() {},
    asyncStart() {},
    asyncEnd: () => {
      if (times.listens) times.endedAt = performance.now()
    },
    error() {},
  }
  subscribed.subscribe(subscriber)
  return times
}

const ms = (values, share) => Math.round(quantile(values, share) * 100) / 100
