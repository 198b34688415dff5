// Many stubs, one session, the broker's limits enforced, 1 KB each way: invocations a second with two messages each
// and, if messages are limited, with three because of an acknowledgement. `limitPerSecond` is the rate that the
// transport allows the session's connections; without a rate, `echoesPerSecond` is the rate of as many raw echoes at
// once through the same broker. Options: --transport NAME (default iot), --connections 1,2 (default 1), --stubs 1,8
// (for each connection, default 8), --seconds N (measured for each, default 10).
import { parseArgs } from 'node:util'
import { carrierOf } from './carriers/index.js'
import { startAnswering } from './echo/answering.js'
import { setup } from './invocation/setup.js'
import { quantile } from './statistics/quantile.js'
import { runLoops } from './throughput/loops.js'

const WARM_UP_SECONDS = 1
// Until a session that nears a limit has opened its connections.
const LIMITED_WARM_UP_SECONDS = 4

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      transport: { type: 'string', default: 'iot' },
      connections: { type: 'string', default: '1' },
      stubs: { type: 'string', default: '8' },
      seconds: { type: 'string', default: '10' },
    },
  })
  const { transport } = values
  const { rate } = carrierOf(transport).transport('ws://127.0.0.1:1').limits
  const measure = rate === undefined ? besideEchoes : (options) => withinRate(rate, options)
  const rows = []
  for (const connections of values.connections.split(',').map(Number))
    for (const stubs of values.stubs.split(',').map((count) => connections * Number(count)))
      rows.push(...(await measure({ transport, connections, stubs, seconds: Number(values.seconds) })))
  return { transport, rows }
}

async function withinRate({ frames }, options) {
  const rows = []
  for (const [functionId, messages] of [
    ['echo', 2],
    // Slow enough to be acknowledged first.
    ['slow', 3],
  ]) {
    const world = await setup({ ...options, functionId })
    try {
      const limitPerSecond = Math.round((options.connections * frames) / messages)
      const warmUpSeconds = LIMITED_WARM_UP_SECONDS
      rows.push({ ...(await invocations(world, { ...options, warmUpSeconds })), messages, limitPerSecond })
    } finally {
      await world.stop()
    }
  }
  return rows
}

async function besideEchoes(options) {
  const world = await setup(options)
  try {
    const echoesPerSecond = await echoes(world, options)
    return [{ ...(await invocations(world, options)), messages: 2, echoesPerSecond }]
  } finally {
    await world.stop()
  }
}

async function echoes(world, { transport, stubs, seconds }) {
  const answering = await startAnswering({ transport, url: world.sessionUrl })
  const { latencies } = await runLoops(new URL('./throughput/askers-process.js', import.meta.url), {
    count: stubs,
    env: { BENCH_TRANSPORT: transport, BENCH_URL: world.url },
    warmUpSeconds: WARM_UP_SECONDS,
    seconds,
  })
  await answering.end()
  return round(latencies.length / seconds)
}

async function invocations(world, { connections, stubs, seconds, warmUpSeconds = WARM_UP_SECONDS }) {
  const { latencies, lost } = await runLoops(new URL('./throughput/stubs-process.js', import.meta.url), {
    count: stubs,
    env: world.stubSettings,
    warmUpSeconds,
    seconds,
  })
  return {
    connections,
    stubs,
    invocationsPerSecond: round(latencies.length / seconds),
    lost,
    p50Ms: round(quantile(latencies, 0.5)),
    p99Ms: round(quantile(latencies, 0.99)),
    ...(world.broker.tally && { discardedByBroker: (await world.broker.tally()).discarded }),
  }
}

const round = (value) => Math.round(value * 10) / 10
