// Large bodies each way through a local IoT broker with AWS's limits: time, metered units, and, for JSON that compresses,
// the same again with `compressedRatio`, its bytes on the wire by those of a body that does not.
import { iotSetup } from './invocation/iot-setup.js'
import { startProcess } from './process/start.js'
import { median } from './statistics/quantile.js'

const SIZES = [100_000, 1_000_000, 5_900_000]
const ROUND_TRIPS_MS = [0, 45]
const ROUNDS = 5
// Paced to AWS's rate this takes half a minute each time.
const SLOW_BYTES = 1_000_000

export async function run() {
  const cases = []
  for (const store of [true, false])
    for (const roundTripMs of ROUND_TRIPS_MS) cases.push(...(await measureSizes({ store, roundTripMs })))
  return { cases }
}

async function measureSizes({ store, roundTripMs }) {
  const setup = await iotSetup({ store, roundTripMs })
  try {
    const stub = startProcess(new URL('./invocation/stub-process.js', import.meta.url), setup.stubSettings)
    await stub.message('ready')
    await measure(setup, stub, { bytes: 1000, count: 1 })
    const cases = []
    for (const bytes of SIZES) {
      const count = !store && bytes >= SLOW_BYTES ? 1 : ROUNDS
      const plain = await measure(setup, stub, { bytes, count })
      const json = await measure(setup, stub, { bytes, count: ROUNDS, compressible: true })
      cases.push({
        bytes,
        store,
        roundTripMs,
        ms: plain.ms,
        units: plain.units,
        compressedMs: json.ms,
        compressedUnits: json.units,
        compressedRatio: Math.round((json.wireBytes / plain.wireBytes) * 1000) / 1000,
      })
    }
    await stub.end()
    return cases
  } finally {
    await setup.stop()
  }
}

async function measure(setup, stub, what) {
  const before = { bytes: await setup.bytes(), ...(await unitsOf(setup)) }
  const done = stub.message('times')
  stub.send({ type: 'run', ...what })
  const { times } = await done
  return {
    ms: Math.round(median(times) * 10) / 10,
    units: Math.round((((await unitsOf(setup)).units - before.units) / what.count) * 10) / 10,
    wireBytes: ((await setup.bytes()) - before.bytes) / what.count,
  }
}

const unitsOf = async ({ broker }) => ({ units: (await broker.tally()).units })
