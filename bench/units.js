// What AWS IoT meters for a warm invocation of 1 KB each way: every message, in and out, in units of 5 KB.
import { iotSetup } from './invocation/iot-setup.js'
import { startProcess } from './process/start.js'

const BYTES = 1024
const COUNT = 50
// Slow enough for no limit to be near.
const PAUSE_MS = 40

export async function run() {
  const setup = await iotSetup()
  try {
    const stub = startProcess(new URL('./invocation/stub-process.js', import.meta.url), setup.stubSettings)
    await stub.message('ready')
    await invoke(stub, 5)
    const before = await setup.broker.tally()
    await invoke(stub, COUNT)
    const after = await setup.broker.tally()
    await stub.end()
    return {
      units: (after.units - before.units) / COUNT,
      messages: (after.messages - before.messages) / COUNT,
    }
  } finally {
    await setup.stop()
  }
}

async function invoke(stub, count) {
  const done = stub.message('times')
  stub.send({ type: 'run', bytes: BYTES, count, pauseMs: PAUSE_MS })
  await done
}
