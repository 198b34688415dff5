// Many stubs, one session, AWS IoT's limits enforced: invocations a second for each number of the session's connections,
// where two messages suffice and where an acknowledgement makes it three. Options: --connections 1,2 (default 1),
// --stubs N (for each connection, default 8), --seconds N (measured for each, default 10).
import { parseArgs } from 'node:util'
import { iotSetup } from './invocation/iot-setup.js'
import { startProcess } from './process/start.js'
import { quantile } from './statistics/quantile.js'

const PROCESSES = 2
const WARM_UP_SECONDS = 4

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
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
          connections,
          messages,
          stubs: connections * Number(values.stubs),
          seconds: Number(values.seconds),
        }),
      )
  return { rows }
}

async function measure({ connections, messages, stubs, seconds }) {
  const setup = await iotSetup({ connections })
  try {
    const children = Array.from({ length: PROCESSES }, () =>
      startProcess(new URL('./throughput/stubs-process.js', import.meta.url), {
        BENCH_URL: setup.url,
        BENCH_KEY: setup.key,
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
      discardedByBroker: (await setup.broker.tally()).discarded,
    }
  } finally {
    await setup.stop()
  }
}
