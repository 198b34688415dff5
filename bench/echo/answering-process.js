// Answers raw echoes.
import { carrierOf } from '../carriers/index.js'
import { onEnd, report } from '../process/child.js'

const { BENCH_TRANSPORT, BENCH_URL: url } = process.env
const carrier = carrierOf(BENCH_TRANSPORT)
const echo = await carrier.echo({ url, transport: carrier.transport(url), name: 'echo' })
await echo.serve()
onEnd(() => echo.close())
report('ready')
