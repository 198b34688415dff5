// The cost of a recorder: the processor time of an invocation over `memory`, stub and session in one process, without a
// recorder, with a recorder in memory, and with a recorder that writes to a folder; in turns, the minimum of the
// rounds. The invocation is an HTTP request with bodies of JSON both ways, of 1 KB, then of 101 KB. `Us` is the time
// that the recorder adds at 1 KB, `UsPerKb` the time for each further KB, of the event and the answer together. At most
// 40 and 20 are the aims. `importedUs` is a process that has imported the recorder and does not use it. `answerP50Ms`
// is the caller's time. `headsMs`: from the start of a process to the heads of 1,000 records of 10 KB; 300 is the aim.
// Options: --count N (invocations in a round, default 300), --rounds N (default 20), --records N (default 1,000).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { lambdaEnvironment } from './cost/lambda-environment.js'
import { startProcess } from './process/start.js'
import { median } from './statistics/quantile.js'

const MODES = ['off', 'imported', 'memory', 'disk']
const SIZES_KB = [1, 101]
/** Rounds that are not counted: until V8 has compiled the hot code. */
const WARM_UP = 6
/** Larger events come less often, or a round takes seconds. */
const LARGE_DIVISOR = 10

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: 'string', default: '300' },
      rounds: { type: 'string', default: '20' },
      records: { type: 'string', default: '1000' },
    },
  })
  const count = Number(values.count)
  const folder = await mkdtemp(join(tmpdir(), 'tether-recording-'))
  try {
    const parties = await start(folder)
    const least = await measure(parties, count, Number(values.rounds))
    const headsMs = await heads(join(folder, 'heads'), Number(values.records))
    return { count, records: Number(values.records), ...least, headsMs }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function start(folder) {
  const parties = MODES.flatMap((mode) =>
    SIZES_KB.map((kb) => ({
      name: `${mode} ${kb}`,
      kb,
      least: Number.POSITIVE_INFINITY,
      answersMs: [],
      process: startProcess(new URL('./recording/recording-process.js', import.meta.url), {
        ...lambdaEnvironment,
        BENCH_MODE: mode,
        BENCH_KB: String(kb),
        BENCH_FOLDER: join(folder, `${mode}-${kb}`),
      }),
    })),
  )
  await Promise.all(parties.map(({ process }) => process.message('ready')))
  return parties
}

async function measure(parties, count, rounds) {
  try {
    for (let i = -WARM_UP; i < rounds; i++) {
      for (const party of parties) {
        const answered = party.process.message('round')
        party.process.send({
          type: 'round',
          count: party.kb === 1 ? count : Math.ceil(count / LARGE_DIVISOR),
        })
        const { us, answerP50Ms } = await answered
        if (i < 0) continue
        party.least = Math.min(party.least, us)
        party.answersMs.push(answerP50Ms)
      }
    }
  } finally {
    await Promise.all(parties.map(({ process }) => process.end()))
  }
  const of = (mode, kb) => parties.find(({ name }) => name === `${mode} ${kb}`)
  const added = (mode, kb) => of(mode, kb).least - of('off', kb).least
  const [small, large] = SIZES_KB
  const perKb = (mode) => (added(mode, large) - added(mode, small)) / (2 * (large - small))
  return {
    offUs: round(of('off', small).least),
    importedUs: round(added('imported', small)),
    memoryUs: round(added('memory', small)),
    memoryUsPerKb: round(perKb('memory')),
    diskUs: round(added('disk', small)),
    diskUsPerKb: round(perKb('disk')),
    answerP50Ms: Object.fromEntries(MODES.map((mode) => [mode, round(median(of(mode, small).answersMs))])),
  }
}

async function heads(folder, records) {
  const writing = startProcess(new URL('./recording/recording-process.js', import.meta.url), {
    ...lambdaEnvironment,
    BENCH_MODE: 'disk',
    BENCH_KB: '5',
    BENCH_FOLDER: folder,
  })
  await writing.message('ready')
  const written = writing.message('round')
  writing.send({ type: 'round', count: records })
  await written
  await writing.end()
  const times = []
  for (let i = 0; i < 5; i++) {
    const reading = startProcess(new URL('./recording/heads-process.js', import.meta.url), {
      BENCH_FOLDER: folder,
    })
    const { ms, count } = await reading.message('heads')
    await reading.end()
    if (count !== records) throw new Error(`${count} heads were listed, of ${records} records.`)
    times.push(ms)
  }
  return round(median(times))
}

const round = (value) => Math.round(value * 100) / 100
