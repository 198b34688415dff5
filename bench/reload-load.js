// Reloads under continuous load: stubs invoke all the time, each an execution environment of its own, while the
// function is saved again and again. Counts lost invocations, failures, and answers by code that was no longer current
// at the time of the request. Options: --reloads N (default 200), --stubs N (default 3).
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { residentMb } from './process/memory.js'
import { executorsOf } from './reload/executors.js'
import { handlers } from './reload/handlers.js'
import { liveFunction } from './reload/live-function.js'
import { median, quantile } from './statistics/quantile.js'

/** Compares memory between the second fifth, since it settles in the first, and the last. */
const FIFTHS = 5
/** An invocation that takes this long is reported as lost. */
const LOST_AFTER_MS = 20_000
/**
 * Between an answer and the stub's next invocation; without it memory would reflect the invocations, not the reloads.
 */
const PAUSE_MS = 10

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { reloads: { type: 'string', default: '200' }, stubs: { type: 'string', default: '3' } },
  })
  setFlagsFromString('--expose-gc')
  globalThis.gc = runInNewContext('gc')
  const reloads = Number(values.reloads)
  const stubs = Number(values.stubs)
  const result = { reloads, stubs }
  for (const [name, makeExecutor] of Object.entries(await executorsOf())) {
    result[name] = await measure(makeExecutor(), reloads, stubs)
  }
  return result
}

async function measure(executor, reloads, stubs) {
  const live = await liveFunction({ executor, source: handlers.zod(1), stubs })
  const load = startLoad(live, stubs)
  const memory = []
  const ready = []
  try {
    await load.answered(stubs)
    for (let version = 2; version <= reloads + 1; version++) {
      const reloaded = new Promise((resolve) => live.session.once('reload', resolve))
      const savedAt = await live.save(handlers.zod(version))
      const { error } = await reloaded
      if (error) throw error
      ready.push(performance.now() - savedAt)
      load.current = version
      // Each version answers each stub a few times.
      await load.answered(3 * stubs)
      memory.push(residentMb())
    }
  } finally {
    await load.stop()
    await live.close()
  }
  const part = Math.floor(memory.length / FIFTHS)
  return {
    invocations: load.count,
    lost: load.lost,
    failed: load.failures.length,
    ...(load.failures.length > 0 && { firstFailure: String(load.failures[0]?.stack) }),
    answeredByOldCode: load.stale,
    invocationP50Ms: round(quantile(load.times, 0.5)),
    invocationP99Ms: round(quantile(load.times, 0.99)),
    readyP50Ms: round(quantile(ready, 0.5)),
    residentMbEarly: round(median(memory.slice(part, 2 * part))),
    residentMbLate: round(median(memory.slice(-part))),
  }
}

/** Each stub invokes again soon after it is answered, until it is stopped. */
function startLoad(live, stubs) {
  const load = { current: 1, count: 0, lost: 0, failures: [], stale: 0, times: [] }
  let running = true
  const waiting = new Set()
  const one = async (index) => {
    while (running) {
      const expected = load.current
      const startedAt = performance.now()
      const answer = await Promise.race([
        live.invoke({}, index),
        sleep(LOST_AFTER_MS, 'lost', { ref: false }),
      ]).catch((error) => error)
      load.count++
      load.times.push(performance.now() - startedAt)
      if (answer === 'lost') load.lost++
      else if (answer instanceof Error) load.failures.push(answer)
      else if (answer.version < expected) load.stale++
      for (const waiter of waiting) waiter()
      await sleep(PAUSE_MS)
    }
  }
  const done = Promise.all(Array.from({ length: stubs }, (_, index) => one(index)))
  return Object.assign(load, {
    /** Resolves after so many further answers. */
    answered: (count) =>
      new Promise((resolve) => {
        const until = load.count + count
        const waiter = () => {
          if (load.count < until) return
          waiting.delete(waiter)
          resolve()
        }
        waiting.add(waiter)
      }),
    async stop() {
      running = false
      await done
    },
  })
}

const round = (value) => Math.round(value * 100) / 100
