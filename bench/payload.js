// Large bodies each way through a local broker with its limits: time, metered units, and, for JSON that compresses, the
// same again with `compressedRatio`: its bytes on the wire divided by the bytes of a body that does not compress.
// `stored` went through the store: only bodies larger than a frame do. `floorMs` for bodies through the store: the same
// bytes by bare PUTs and GETs. For others: the time at the transport's byte rate, or two round trips of the network if
// that is longer; without such a rate, the same bytes by raw echoes. Options: --transport NAME (default iot), --sizes
// N,N (bytes, default 100000,1000000,5900000).
import { parseArgs } from 'node:util'
import { carrierOf } from './carriers/index.js'
import { setup } from './invocation/setup.js'
import { rawEchoesMs } from './payload/raw-echoes.js'
import { rawTransfersMs } from './payload/raw-transfers.js'
import { startProcess } from './process/start.js'
import { median } from './statistics/quantile.js'

const ROUND_TRIPS_MS = [0, 45]
const ROUNDS = 5
// Paced to AWS's rate this takes half a minute each time.
const SLOW_BYTES = 1_000_000

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      transport: { type: 'string', default: 'iot' },
      sizes: { type: 'string', default: '100000,1000000,5900000' },
    },
  })
  const { transport } = values
  const sizes = values.sizes.split(',').map(Number)
  const cases = []
  for (const store of [true, false])
    for (const roundTripMs of ROUND_TRIPS_MS)
      cases.push(...(await measureSizes({ transport, store, roundTripMs, sizes })))
  return { transport, cases }
}

async function measureSizes({ transport, store, roundTripMs, sizes }) {
  const world = await setup({ transport, store, roundTripMs, metered: true })
  const { rate } = carrierOf(transport).transport(world.url).limits
  try {
    const echoes =
      rate === undefined ? await rawEchoesMs(world, { transport, sizes, count: ROUNDS }) : undefined
    const stub = startProcess(new URL('./invocation/stub-process.js', import.meta.url), world.stubSettings)
    await stub.message('ready')
    await measure(world, stub, { bytes: 1000, count: 1 })
    const cases = []
    for (const bytes of sizes) {
      const count = rate?.bytes !== undefined && !store && bytes >= SLOW_BYTES ? 1 : ROUNDS
      const plain = await measure(world, stub, { bytes, count })
      const json = await measure(world, stub, { bytes, count, compressible: true })
      const framesMs = () => echoes?.get(bytes) ?? pacedMs(rate, bytes, roundTripMs)
      cases.push({
        bytes,
        store,
        stored: plain.stored,
        roundTripMs,
        ms: plain.ms,
        floorMs: round(plain.stored ? await rawTransfersMs(world.s3, bytes, ROUNDS) : framesMs()),
        units: plain.units,
        compressedMs: json.ms,
        compressedUnits: json.units,
        compressedRatio: Math.round((json.wireBytes / plain.wireBytes) * 1000) / 1000,
      })
    }
    await stub.end()
    return cases
  } finally {
    await world.stop()
  }
}

// A connection's rate is for both directions together, and the body goes there and back; each way crosses two networks.
const pacedMs = (rate, bytes, roundTripMs) => Math.max(((2 * bytes) / rate.bytes) * 1000, 2 * roundTripMs)

async function measure(world, stub, what) {
  const before = await world.broker.tally()
  const bytes = await world.bytes()
  const storeBytes = world.storeBytes()
  const done = stub.message('times')
  stub.send({ type: 'run', ...what })
  const { times } = await done
  const after = await world.broker.tally()
  return {
    ms: round(median(times)),
    units: round((after.units - before.units) / what.count),
    stored: world.storeBytes() > storeBytes,
    wireBytes: ((await world.bytes()) - bytes) / what.count,
  }
}

const round = (value) => Math.round(value * 10) / 10
