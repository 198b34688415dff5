import { setup } from '../invocation/setup.js'
import { startProcess } from '../process/start.js'

const BYTES = 1000
// Under the rate that AWS IoT allows a connection.
const PAUSE_MS = 40

/** Cold and warm times of this package over `iot`, with its code in worker threads, like the peer's. */
export async function lambdaTether({ roundTripMs, cold, warm }) {
  const world = await setup({ roundTripMs, threads: true })
  try {
    const colds = []
    for (let i = 0; i < cold; i++) {
      const stub = startProcess(new URL('../cold/stub-process.js', import.meta.url), world.stubSettings)
      colds.push((await stub.message('answered')).ms)
      await stub.end()
    }
    const stub = startProcess(new URL('../invocation/stub-process.js', import.meta.url), world.stubSettings)
    await stub.message('ready')
    // The first is cold.
    const done = stub.message('times')
    stub.send({ type: 'run', bytes: BYTES, count: warm + 1, pauseMs: PAUSE_MS })
    const { times } = await done
    await stub.end()
    return { cold: colds, warm: times.slice(1) }
  } finally {
    await world.stop()
  }
}
