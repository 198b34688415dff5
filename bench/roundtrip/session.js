// The developer's side, and the raw echo's: one process, so that both pay for the same event loop.
import { carrierOf } from '../carriers/index.js'
import { onEnd, report } from '../process/child.js'
import { developerSide } from './developer-side.js'

const { BENCH_TRANSPORT, BENCH_URL: url, BENCH_KEY: key, BENCH_EXECUTOR: executor } = process.env
const carrier = carrierOf(BENCH_TRANSPORT)
const transport = carrier.transport(url)
const echo = await carrier.echo({ url, transport, name: 'echo' })
const side = await developerSide({ transport, echo, key, executor })
onEnd(() => Promise.all([side.close(), echo.close()]))
report('ready')
