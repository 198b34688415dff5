// The cost of a hostile frame to a session, sent without the key, next to the first frame of a new execution
// environment, in one process: frames forged under a known function and under an unknown one, malformed frames, and
// replayed frames. Each kind is measured in turns, in blocks; the result is the median of its blocks. Then memory: its
// growth over the second half of the hostile frames. Options: --frames N (hostile frames, default 100000), --senders N
// (new environments, default 3000).
import { parseArgs } from 'node:util'
import { startProcess } from './process/start.js'

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      frames: { type: 'string', default: '100000' },
      senders: { type: 'string', default: '3000' },
    },
  })
  const file = new URL('./hostile/session-process.js', import.meta.url)
  const { frames, senders } = values
  const settings = { BENCH_FRAMES: frames, BENCH_SENDERS: senders }
  const session = startProcess(file, settings, { execArgv: ['--expose-gc'] })
  try {
    const { us, heapMb, begun } = await session.message('measured')
    const { authentic, ...hostile } = us
    const ratios = Object.fromEntries(
      Object.entries(hostile).map(([kind, each]) => [kind, round(each / authentic)]),
    )
    return {
      ...{ frames: Number(frames), senders: Number(senders) },
      us: Object.fromEntries(Object.entries(us).map(([kind, each]) => [kind, round(each)])),
      ratios,
      worst: Math.max(...Object.values(ratios)),
      heapGrowthMb: round(heapMb.last - heapMb.half),
      begun,
    }
  } finally {
    await session.end()
  }
}

const round = (number) => Math.round(number * 100) / 100
