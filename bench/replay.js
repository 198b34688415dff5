// From a save to the answer of the recorded invocation that it runs again, by `session.replayOnSave`, beside the reload alone: the save until
// the new code is ready. Both are measured at each save, in a thread. Options: --saves N (default 50).
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { executorsOf } from './reload/executors.js'
import { handlers } from './reload/handlers.js'
import { liveFunction } from './reload/live-function.js'
import { quantile } from './statistics/quantile.js'

/** Saves before the measured ones. */
const WARM_UP = 3

export async function run(args) {
  const { values } = parseArgs({ args, options: { saves: { type: 'string', default: '50' } } })
  const saves = Number(values.saves)
  const { threads } = await executorsOf()
  const live = await liveFunction({ executor: threads(), source: handlers.small(1) })
  const times = { answer: [], reload: [] }
  try {
    const arriving = new Promise((resolve) => live.session.once('invoke', resolve))
    await live.invoke({ name: 'recorded' })
    const told = outcomesOf(live.session, await arriving)
    for (let i = 0; i < WARM_UP + saves; i++) {
      while (live.stats().spares === 0) await sleep(5)
      const version = i + 2
      const reloaded = new Promise((resolve) => live.session.once('reload', () => resolve(performance.now())))
      const answered = told()
      const savedAt = await live.save(handlers.small(version))
      const { outcome, at } = await answered
      if (outcome.value?.version !== version)
        throw new Error(`Not version ${version}: ${JSON.stringify(outcome)}`)
      if (i < WARM_UP) continue
      times.answer.push(at - savedAt)
      times.reload.push((await reloaded) - savedAt)
    }
  } finally {
    await live.close()
  }
  return {
    saves,
    answerP50Ms: ms(times.answer, 0.5),
    answerP95Ms: ms(times.answer, 0.95),
    reloadP50Ms: ms(times.reload, 0.5),
  }
}

/**
 * Runs an invocation again at each save.
 * @returns a function that waits for the next outcome and gives the time at which it came
 */
function outcomesOf(session, invocation) {
  let tell = () => {}
  session.replayOnSave(invocation, { onOutcome: (outcome) => tell({ outcome, at: performance.now() }) })
  return () =>
    new Promise((resolve) => {
      tell = resolve
    })
}

const ms = (values, share) => Math.round(quantile(values, share) * 100) / 100
