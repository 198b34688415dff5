// The processor time of an invocation over `memory`, event and response 1 KB each, stub and session in one process,
// next to the bare work: two messages sealed and opened, two bodies written as JSON and read. Each party is a process
// of its own. They are measured in turns; the result is the minimum of the rounds. Options: --count N (invocations in a
// round, default 500), --rounds N (default 30), --against FOLDER (another checkout with a build, measured in turns with
// this one; the result then has `before` and `ratioToBefore`).
import { parseArgs } from 'node:util'
import { builds } from './builds/build.js'
import { lambdaEnvironment } from './cost/lambda-environment.js'
import { startProcess } from './process/start.js'

const EXECUTORS = ['inline', 'threads']
/** Rounds that are not counted: until V8 has compiled the hot code. */
const WARM_UP = 8

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: 'string', default: '500' },
      rounds: { type: 'string', default: '30' },
      against: { type: 'string' },
    },
  })
  const parties = await start(builds(values.against))
  const round = { type: 'round', count: Number(values.count) }
  const minima = parties.map(() => Number.POSITIVE_INFINITY)
  try {
    for (let i = -WARM_UP; i < Number(values.rounds); i++) {
      for (const [index, { process }] of parties.entries()) {
        const { us } = await told(process, round)
        if (i >= 0) minima[index] = Math.min(minima[index], us)
      }
    }
  } finally {
    await Promise.all(parties.map(({ process }) => process.end()))
  }
  const us = Object.fromEntries(parties.map(({ name }, index) => [name, minima[index]]))
  return { ...costs(us, 'now'), ...(values.against && besides(us)) }
}

async function start(folders) {
  const bare = { name: 'bare', process: startProcess(new URL('./cost/bare-process.js', import.meta.url)) }
  const invoking = Object.entries(folders).flatMap(([build, folder]) =>
    EXECUTORS.map((executor) => ({
      name: `${executor} ${build}`,
      process: startProcess(new URL('./cost/invoking-process.js', import.meta.url), {
        ...lambdaEnvironment,
        BENCH_BUILD: folder,
        BENCH_EXECUTOR: executor,
      }),
    })),
  )
  const parties = [bare, ...invoking]
  await Promise.all(parties.map(({ process }) => process.message('ready')))
  return parties
}

function costs(us, build) {
  const { bare, [`inline ${build}`]: inline, [`threads ${build}`]: threads } = us
  return {
    bareUs: round(bare),
    inlineUs: round(inline),
    threadsUs: round(threads),
    inlineRatio: round(inline / bare),
    threadsRatio: round(threads / bare),
  }
}

function besides(us) {
  const toBefore = (executor) => round(us[`${executor} now`] / us[`${executor} before`])
  return {
    before: costs(us, 'before'),
    ratioToBefore: { inline: toBefore('inline'), threads: toBefore('threads') },
  }
}

async function told(process, message) {
  const answered = process.message('round')
  process.send(message)
  return answered
}

const round = (value) => Math.round(value * 100) / 100
