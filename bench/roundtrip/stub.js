// The function's side: the prebuilt stub bundle, and a raw echo's client beside it.
import { createRequire } from 'node:module'
import { stubBundle } from 'lambda-tether/stub'
import { carrierOf } from '../carriers/index.js'
import { onEnd, report } from '../process/child.js'
import { functionSide } from './function-side.js'

const { BENCH_TRANSPORT, BENCH_URL: url, BENCH_COUNT, BENCH_WARM_UP } = process.env
const carrier = carrierOf(BENCH_TRANSPORT)
const { handler } = createRequire(import.meta.url)(stubBundle(carrier.bundle).path)
const echo = await carrier.echo({ url, transport: carrier.transport(url), name: 'asker' })
const { pauseMs } = carrier
const times = await functionSide({
  handler,
  echo,
  count: Number(BENCH_COUNT),
  warmUp: Number(BENCH_WARM_UP),
  pauseMs,
})
onEnd(() => Promise.all([handler.close(), echo.close()]))
report('times', { times })
