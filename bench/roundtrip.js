// An invocation of 1 KB each way next to a raw echo through the same broker, interleaved, each party in a process of its
// own (over `memory` in this one). Options: --transport NAME (default mqtt), --count N (measured pairs per executor,
// default 1000).
import { parseArgs } from 'node:util'
import { generateKey } from 'lambda-tether'
import { createStub, stubKey } from 'lambda-tether/stub'
import { carrierOf } from './carriers/index.js'
import { stubSettings } from './invocation/stub-settings.js'
import { startProcess } from './process/start.js'
import { developerSide } from './roundtrip/developer-side.js'
import { functionSide } from './roundtrip/function-side.js'
import { quantile } from './statistics/quantile.js'

const WARM_UP = 200
const PARTIES = { app: 'bench', stage: 'dev', functionId: 'echo' }

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { transport: { type: 'string', default: 'mqtt' }, count: { type: 'string', default: '1000' } },
  })
  const { transport } = values
  const count = Number(values.count)
  const warmUp = Math.min(WARM_UP, count)
  const carrier = carrierOf(transport)
  const key = generateKey()
  const broker = await carrier.startBroker?.({ key })
  const measure = broker === undefined ? withinProcess : betweenProcesses
  try {
    const threads = await measure({ transport, carrier, broker, key, executor: 'threads', count, warmUp })
    const inline = await measure({ transport, carrier, broker, key, executor: 'inline', count, warmUp })
    return {
      transport,
      broker: broker?.name ?? 'none',
      count,
      rawP50Ms: ms(threads.raw, 0.5),
      rawP99Ms: ms(threads.raw, 0.99),
      tetherP50Ms: ms(threads.tether, 0.5),
      tetherP99Ms: ms(threads.tether, 0.99),
      ratioP50: ratio(threads),
      inlineRawP50Ms: ms(inline.raw, 0.5),
      inlineP50Ms: ms(inline.tether, 0.5),
      inlineP99Ms: ms(inline.tether, 0.99),
      inlineRatioP50: ratio(inline),
    }
  } finally {
    await broker?.stop()
  }
}

async function betweenProcesses({ transport, carrier, broker, key, executor, count, warmUp }) {
  const url = carrier.url(carrier.port(broker), broker)
  const common = { BENCH_TRANSPORT: transport, BENCH_URL: url }
  const session = startProcess(new URL('./roundtrip/session.js', import.meta.url), {
    ...common,
    BENCH_KEY: key,
    BENCH_EXECUTOR: executor,
  })
  await session.message('ready')
  const stub = startProcess(new URL('./roundtrip/stub.js', import.meta.url), {
    ...common,
    ...stubSettings({ ...PARTIES, key, ...carrier.stubOptions(url) }),
    BENCH_COUNT: String(count),
    BENCH_WARM_UP: String(warmUp),
  })
  const { times } = await stub.message('times')
  await Promise.all([session.end(), stub.end()])
  return times
}

async function withinProcess({ carrier, key, executor, count, warmUp }) {
  const transport = carrier.transport()
  const echo = await carrier.echo({ transport })
  const session = await developerSide({ transport, echo, key, executor })
  const handler = createStub({ ...PARTIES, key: stubKey({ ...PARTIES, key }), transport })
  const times = await functionSide({ handler, echo, count, warmUp, pauseMs: carrier.pauseMs })
  await Promise.all([handler.close(), session.close(), echo.close()])
  return times
}

const ms = (values, share) => Math.round(quantile(values, share) * 1000) / 1000
const ratio = ({ raw, tether }) => Math.round((quantile(tether, 0.5) / quantile(raw, 0.5)) * 100) / 100
