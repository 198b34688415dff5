// From the start of the stub's process to its first answer, with no distance and with 45 ms to the broker from each side.
// `roundTrips45`: how many of those 45 ms it took.
import { stubBundle } from 'lambda-tether/stub'
import { iotSetup } from './invocation/iot-setup.js'
import { startProcess } from './process/start.js'
import { median } from './statistics/quantile.js'

const ROUNDS = 15
const ROUND_TRIP_MS = 45

export async function run() {
  const near = await coldMs(0)
  const far = await coldMs(ROUND_TRIP_MS)
  return { coldMs0: round(near), coldMs45: round(far), roundTrips45: round((far - near) / ROUND_TRIP_MS) }
}

async function coldMs(roundTripMs) {
  const setup = await iotSetup({ roundTripMs })
  try {
    const times = []
    for (let i = 0; i < ROUNDS; i++) {
      const stub = startProcess(new URL('./cold/stub-process.js', import.meta.url), {
        ...setup.stubSettings,
        BENCH_BUNDLE: stubBundle('iot').path,
      })
      times.push((await stub.message('answered')).ms)
      await stub.end()
    }
    return median(times)
  } finally {
    await setup.stop()
  }
}

const round = (value) => Math.round(value * 10) / 10
