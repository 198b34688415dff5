// Streamed responses, each party in a process of its own. `firstByteRatio`: the first byte of a stream beside a small
// buffered answer, interleaved, both of a streaming stub. `jitterP95Ms`: at 50 writes a second, the delay of the slow
// ones against the quickest. `throughputRatio`: bytes a second beside the byte rate of one connection, if the transport
// has one; this package keeps to 85 % of it. `…GrowthMb`: the most memory that each party adds during that stream. The
// figures beside `rows` are the worst of them. Options: --transport NAME,NAME (default mqtt,iot; mqtt is Mosquitto with
// set_tcp_nodelay), --count N (pairs, default 200), --seconds N (of writes, default 5), --megabytes N (default 20).
import { parseArgs } from 'node:util'
import { generateKey } from 'lambda-tether'
import { stubBundle } from 'lambda-tether/stub'
import { carrierOf } from './carriers/index.js'
import { stubSettings } from './invocation/stub-settings.js'
import { startProcess } from './process/start.js'
import { median, quantile } from './statistics/quantile.js'

const COLLECTS = { execArgv: ['--expose-gc'] }
// Unless the pairs are paced, all code is compiled by then.
const WARM_UP = 500
const PACED_WARM_UP = 25
const WARM_UP_MEGABYTES = 4
const TICK_MS = 20
/** The share of the transport's byte rate that a connection's pacer uses. */
const PACED = 0.85
const MB = 1024 ** 2

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      transport: { type: 'string', default: 'mqtt,iot' },
      count: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '5' },
      megabytes: { type: 'string', default: '20' },
    },
  })
  const [count, seconds, megabytes] = [values.count, values.seconds, values.megabytes].map(Number)
  const rows = []
  for (const transport of values.transport.split(','))
    rows.push(await measure({ transport, count, seconds, megabytes }))
  return {
    firstByteRatio: Math.max(...rows.map((row) => row.firstByteRatio)),
    jitterP95Ms: Math.max(...rows.map((row) => row.jitterP95Ms)),
    throughputRatio: Math.min(...rows.flatMap((row) => row.throughputRatio ?? [])),
    stubGrowthMb: Math.max(...rows.map((row) => row.stubGrowthMb)),
    sessionGrowthMb: Math.max(...rows.map((row) => row.sessionGrowthMb)),
    rows,
  }
}

async function measure({ transport, count, seconds, megabytes }) {
  const world = await start(transport)
  try {
    const { pauseMs, rate } = world
    const pairs = await world.stub({
      type: 'pairs',
      count,
      warmUp: pauseMs > 0 ? PACED_WARM_UP : WARM_UP,
      pauseMs,
    })
    const [answers, firsts] = [median(pairs.answerMs), median(pairs.firstByteMs)]
    const { delaysMs } = await world.stub({
      type: 'ticks',
      everyMs: TICK_MS,
      count: (1000 / TICK_MS) * seconds,
    })
    const least = Math.min(...delaysMs)
    await world.stub({ type: 'bulk', bytes: WARM_UP_MEGABYTES * MB })
    const watching = world.session.message('watched')
    world.session.send({ type: 'watch' })
    const bulk = await world.stub({ type: 'bulk', bytes: megabytes * MB })
    world.session.send({ type: 'watched' })
    const bytesPerSecond = (megabytes * MB) / (bulk.tookMs / 1000)
    return {
      transport,
      answerP50Ms: round(answers),
      firstByteP50Ms: round(firsts),
      firstByteRatio: round(firsts / answers),
      delayP50Ms: round(median(delaysMs)),
      jitterP95Ms: round(quantile(delaysMs, 0.95) - least),
      megabytesPerSecond: round(bytesPerSecond / MB),
      ...(rate?.bytes && { throughputRatio: round(bytesPerSecond / (rate.bytes * PACED)) }),
      stubGrowthMb: round(bulk.growthMb),
      sessionGrowthMb: round((await watching).growthMb),
    }
  } finally {
    await world.stop()
  }
}

async function start(transport) {
  const carrier = carrierOf(transport, { brokered: true })
  const key = generateKey()
  const broker = await carrier.startBroker({ key, noDelay: true })
  const url = carrier.url(carrier.port(broker), broker)
  const common = { BENCH_TRANSPORT: transport, BENCH_URL: url, BENCH_KEY: key }
  const session = startProcess(new URL('./streaming/session-process.js', import.meta.url), common, COLLECTS)
  await session.message('open')
  const options = { app: 'bench', stage: 'dev', functionId: 'streams', key, streaming: true }
  const stub = startProcess(
    new URL('./streaming/stub-process.js', import.meta.url),
    {
      ...stubSettings({ ...options, ...carrier.stubOptions(url) }),
      BENCH_BUNDLE: stubBundle(carrier.bundle).path,
    },
    COLLECTS,
  )
  await stub.message('ready')
  return {
    session,
    pauseMs: carrier.pauseMs,
    rate: carrier.transport(url).limits.rate,
    stub(message) {
      const done = stub.message('done')
      stub.send(message)
      return done
    },
    async stop() {
      await Promise.all([stub.end(), session.end()])
      await broker.stop()
    },
  }
}

const round = (value) => Math.round(value * 100) / 100
