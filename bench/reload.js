// How long after a save new code is ready, evaluated in the worker that takes the next invocation, and how long after it
// the first invocation is answered by it. Options: --saves N (default 50), --bursts N (default 10).
import { tracingChannel } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { tracingChannels } from 'lambda-tether'
import { executors } from './reload/executors.js'
import { handlers } from './reload/handlers.js'
import { liveFunction } from './reload/live-function.js'
import { quantile } from './statistics/quantile.js'

const AIM_MS = 10
const BURST_SAVES = 5
const BURST_PAUSE_MS = 20
/** Saves before those that are measured. */
const WARM_UP = 3

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { saves: { type: 'string', default: '50' }, bursts: { type: 'string', default: '10' } },
  })
  const result = { saves: Number(values.saves), bursts: Number(values.bursts) }
  for (const [name, makeExecutor] of Object.entries(executors)) {
    result[name] = {}
    for (const [kind, source] of Object.entries(handlers)) {
      result[name][kind] = await measure(makeExecutor(), source, result)
    }
  }
  return result
}

async function measure(executor, source, { saves, bursts }) {
  let version = 1
  const live = await liveFunction({ executor, source: source(version) })
  const builds = timesOf(tracingChannels.build)
  try {
    await live.invoke()
    const times = { ready: [], answered: [], noticed: [], built: [], loaded: [] }
    for (let i = -WARM_UP; i < saves; i++) {
      await spare(live)
      const reloaded = new Promise((resolve) => live.session.once('reload', resolve))
      const savedAt = await live.save(source(++version))
      await reloaded
      const readyAt = performance.now()
      const readyTime = Date.now()
      const answer = await live.invoke()
      const answeredAt = performance.now()
      check(answer, version, readyTime)
      if (i < 0) continue
      times.ready.push(readyAt - savedAt)
      times.answered.push(answeredAt - savedAt)
      times.noticed.push(builds.startedAt - savedAt)
      times.built.push(builds.endedAt - builds.startedAt)
      times.loaded.push(readyAt - builds.endedAt)
    }
    const burst = []
    for (let i = 0; i < bursts; i++) {
      await spare(live)
      let savedTime
      for (let j = 0; j < BURST_SAVES; j++) {
        if (j > 0) await sleep(BURST_PAUSE_MS)
        await live.save(source(++version))
        savedTime = Date.now()
      }
      burst.push((await evaluatedAt(live, version)) - savedTime)
    }
    return {
      readyP50Ms: ms(times.ready, 0.5),
      readyP95Ms: ms(times.ready, 0.95),
      answeredP50Ms: ms(times.answered, 0.5),
      burstReadyP50Ms: ms(burst, 0.5),
      ...missed(times),
    }
  } finally {
    builds.stop()
    await live.close()
  }
}

/** Where the aim is missed, by which step: noticing the save, building, or loading what was built. */
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

/** When this version was evaluated, in Unix milliseconds: threads and processes have that clock in common. */
async function evaluatedAt(live, version) {
  for (;;) {
    const answer = await live.invoke()
    if (answer.version === version) return answer.evaluatedAt
  }
}

/** When the last run of a stage began and ended. */
function timesOf(channel) {
  const times = { startedAt: 0, endedAt: 0, stop: () => subscribed.unsubscribe(subscriber) }
  const subscribed = tracingChannel(channel)
  const subscriber = {
    start: () => {
      times.startedAt = performance.now()
    },
    end() {},
    asyncStart() {},
    asyncEnd: () => {
      times.endedAt = performance.now()
    },
    error() {},
  }
  subscribed.subscribe(subscriber)
  return times
}

const ms = (values, share) => Math.round(quantile(values, share) * 100) / 100
