// What both sides hold after so many invocations of 1 KB, measured after a collection at ten points on the way.
// `…GrowthMb` is that of the second half: in the first, code is compiled and caches fill.
// Options: --transport NAME (default mqtt), --count N (default 10000).
import { parseArgs } from 'node:util'
import { carrierOf } from './carriers/index.js'
import { setup } from './invocation/setup.js'
import { startProcess } from './process/start.js'

const BYTES = 1024
const POINTS = 10

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { transport: { type: 'string', default: 'mqtt' }, count: { type: 'string', default: '10000' } },
  })
  const { transport } = values
  const { pauseMs } = carrierOf(transport)
  const world = await setup({ transport, threads: true })
  try {
    const stub = startProcess(new URL('./invocation/stub-process.js', import.meta.url), world.stubSettings, {
      execArgv: ['--expose-gc'],
    })
    await stub.message('ready')
    const step = Math.ceil(Number(values.count) / POINTS)
    const points = []
    for (let i = 1; i <= POINTS; i++) {
      const done = stub.message('times')
      stub.send({ type: 'run', bytes: BYTES, count: step, pauseMs })
      await done
      points.push({
        invocations: i * step,
        sessionMb: await residentMb(world.session),
        stubMb: await residentMb(stub),
      })
    }
    await stub.end()
    const [half, last] = [points[POINTS / 2 - 1], points.at(-1)]
    return {
      transport,
      count: last.invocations,
      points,
      sessionGrowthMb: round(last.sessionMb - half.sessionMb),
      stubGrowthMb: round(last.stubMb - half.stubMb),
    }
  } finally {
    await world.stop()
  }
}

async function residentMb(party) {
  party.send({ type: 'resident' })
  return round((await party.message('resident')).mb)
}

const round = (mb) => Math.round(mb * 10) / 10
