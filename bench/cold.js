// From the start of the stub's process to its first answer, with no distance and with 45 ms to the broker from each
// side, next to the start of a process with an empty bundle. `roundTrips45`: how many of those 45 ms it took;
// `leastRoundTrips`: how many the protocol needs (the simulated network begins after TCP's handshake). Options:
// --transport NAME (default iot), --count N (processes at each distance, default 15).
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { carrierOf } from './carriers/index.js'
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
    const nothing = { BENCH_BUNDLE: emptyBundle }
    const [near, empty] = await coldMs({ transport, roundTripMs: 0, count }, nothing)
    const [far] = await coldMs({ transport, roundTripMs: ROUND_TRIP_MS, count })
    return {
      transport,
      count,
      emptyMs: round(empty),
      coldMs0: round(near),
      coldMs45: round(far),
      roundTrips45: round((far - near) / ROUND_TRIP_MS),
      leastRoundTrips: carrierOf(transport, { brokered: true }).leastRoundTrips,
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Medians of a stub at this distance, and of `others` by turns with it. */
async function coldMs({ transport, roundTripMs, count }, ...others) {
  const world = await setup({ transport, roundTripMs })
  try {
    const forms = [world.stubSettings, ...others].map((env) => ({ env, times: [] }))
    for (let i = 0; i < count; i++) for (const { env, times } of forms) times.push(await startMs(env))
    return forms.map(({ times }) => median(times))
  } finally {
    await world.stop()
  }
}

async function startMs(env) {
  const stub = startProcess(new URL('./cold/stub-process.js', import.meta.url), env)
  const { ms } = await stub.message('answered')
  await stub.end()
  return ms
}

const round = (value) => Math.round(value * 10) / 10
