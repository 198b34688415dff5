// Many stubs, one session, the broker's limits enforced: invocations a second for each number of the session's connections,
// where two messages suffice and where an acknowledgement makes it three; `limitPerSecond` is what the transport's rate
// allows that many connections. Options: --transport NAME (default iot), --connections 1,2 (default 1), --stubs N (for
// each connection, default 8), --seconds N (measured for each, default 10).
import { parseArgs } from 'node:util'
import { carrierOf } from './carriers/index.js'
import { setup } from './invocation/setup.js'
import { startProcess } from './process/start.js'
import { quantile } from './statistics/quantile.js'

const PROCESSES = 2
const WARM_UP_SECONDS = 4

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
  const rows = []
  for (const connections of values.connections.split(',').map(Number))
    for (const messages of [2, 3])
      rows.push(
        await measure({
          transport: values.transport,
          connections,
          messages,
          stubs: connections * Number(values.stubs),
          seconds: Number(values.seconds),
        }),
      )
  return { transport: values.transport, rows }
}

async function measure({ transport, connections, messages, stubs, seconds }) {
  const world = await setup({ transport, connections })
  const { rate } = carrierOf(transport).transport(world.url).limits
  try {
    const children = Array.from({ length: PROCESSES }, () =>
      startProcess(new URL('./throughput/stubs-process.js', import.meta.url), {
        BENCH_TRANSPORT: transport,
        BENCH_URL: world.url,
        BENCH_KEY: world.key,
        BENCH_FUNCTION: messages === 2 ? 'echo' : 'slow',
        BENCH_STUBS: String(stubs / PROCESSES),
        BENCH_WARM_UP_SECONDS: String(WARM_UP_SECONDS),
        BENCH_SECONDS: String(seconds),
      }),
    )
    const results = await Promise.all(children.map((child) => child.message('done')))
    await Promise.all(children.map((child) => child.end()))
    const latencies = results.flatMap((result) => result.latencies)
    return {
      connections,
      messages,
      invocationsPerSecond: Math.round((latencies.length / seconds) * 10) / 10,
      lost: results.reduce((sum, result) => sum + result.lost, 0),
      p50Ms: Math.round(quantile(latencies, 0.5)),
      p99Ms: Math.round(quantile(latencies, 0.99)),
      ...(rate && { limitPerSecond: Math.round((connections * rate.frames) / messages) }),
      ...(world.broker.tally && { discardedByBroker: (await world.broker.tally()).discarded }),
    }
  } finally {
    await world.stop()
  }
}
