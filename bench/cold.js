// From the start of the stub's process to its first answer, with no distance and with 45 ms to the broker from each side,
// next to the start of a process with an empty bundle. `roundTrips45`: how many of those 45 ms it took.
// Options: --transport NAME (default iot), --count N (processes at each distance, default 15).
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setup } from './invocation/setup.js'
import { startProcess } from './process/start.js'
import { median } from './statistics/quantile.js'

const ROUND_TRIP_MS = 45

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { transport: { type: 'string', default: 'iot' }, count: { type: 'string', default: '15' } },
  })
  const { transport } = values
  const count = Number(values.count)
  const folder = await mkdtemp(join(tmpdir(), 'bench-cold-'))
  try {
    const emptyBundle = join(folder, 'empty.cjs')
    await writeFile(emptyBundle, 'exports.handler = async () => {}\nexports.handler.close = () => {}\n')
    const near = await coldMs({ transport, roundTripMs: 0, count })
    const far = await coldMs({ transport, roundTripMs: ROUND_TRIP_MS, count })
    const empty = await repeated(count, { PATH: process.env.PATH, BENCH_BUNDLE: emptyBundle })
    return {
      transport,
      count,
      emptyMs: round(empty),
      coldMs0: round(near),
      coldMs45: round(far),
      roundTrips45: round((far - near) / ROUND_TRIP_MS),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function coldMs({ transport, roundTripMs, count }) {
  const world = await setup({ transport, roundTripMs })
  try {
    return await repeated(count, world.stubSettings)
  } finally {
    await world.stop()
  }
}

async function repeated(count, env) {
  const times = []
  for (let i = 0; i < count; i++) {
    const stub = startProcess(new URL('./cold/stub-process.js', import.meta.url), env)
    times.push((await stub.message('answered')).ms)
    await stub.end()
  }
  return median(times)
}

const round = (value) => Math.round(value * 10) / 10
