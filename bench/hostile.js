// What a frame costs a session that somebody sends who has no key, next to the first frame of a new execution environment, in
// one process: forged under a function that is known and under one that is not, malformed, and replayed. Each kind is
// measured by turns, in blocks; what counts is the median of its blocks. Then memory: how much it grows over the second half of
// so many hostile frames. Options: --frames N (hostile frames, default 100000), --senders N (new environments, default 3000).
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
