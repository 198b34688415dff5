// The metered units of a warm invocation, by the size of its event and its answer, and AWS's price for them; bodies
// that do not compress. Options: --transport NAME (default iot), --count N (invocations of the smallest, default 50),
// --all (larger bodies too, with a store; else 1 KB alone).
import { parseArgs } from 'node:util'
import { carrierOf } from './carriers/index.js'
import { setup } from './invocation/setup.js'
import { startProcess } from './process/start.js'

const SMALL_BYTES = 1024
const LARGER_BYTES = [10_000, 100_000, 1_000_000]
const WARM_UP = 5
// Slow enough to stay far from every limit.
const PAUSE_MS = 40
const LARGER_COUNT = 5

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      transport: { type: 'string', default: 'iot' },
      count: { type: 'string', default: '50' },
      all: { type: 'boolean', default: false },
    },
  })
  const { transport } = values
  const { leastMessages, transport: transportTo } = carrierOf(transport, { brokered: true })
  const { pricing } = transportTo('ws://127.0.0.1:1')
  const world = await setup({ transport, store: values.all, metered: true })
  try {
    const stub = startProcess(new URL('./invocation/stub-process.js', import.meta.url), world.stubSettings)
    await stub.message('ready')
    await invoke(stub, SMALL_BYTES, WARM_UP)
    const small = await meter({ world, stub, pricing, bytes: SMALL_BYTES, count: Number(values.count) })
    const rows = [small]
    for (const bytes of values.all ? LARGER_BYTES : [])
      rows.push(await meter({ world, stub, pricing, bytes, count: LARGER_COUNT }))
    await stub.end()
    return {
      transport,
      units: small.units,
      messages: small.messages,
      leastMessages,
      ...(values.all && { rows }),
    }
  } finally {
    await world.stop()
  }
}

async function meter({ world, stub, pricing, bytes, count }) {
  const before = await world.broker.tally()
  await invoke(stub, bytes, count)
  const after = await world.broker.tally()
  const units = (after.units - before.units) / count
  return {
    bytes,
    units: round(units),
    messages: round((after.messages - before.messages) / count),
    brokerBytes: Math.round((after.bytes - before.bytes) / count),
    // A million invocations of so many units each are so many million units.
    ...(pricing && { usdPerMillion: round(units * pricing.usdPerMillionUnits) }),
  }
}

async function invoke(stub, bytes, count) {
  const done = stub.message('times')
  stub.send({ type: 'run', bytes, count, pauseMs: PAUSE_MS })
  await done
}

const round = (value) => Math.round(value * 100) / 100
