// Many raw echoes at once, in the stubs' place.
import { carrierOf } from '../carriers/index.js'
import { closedLoops } from './closed-loops.js'
import { eventOf } from './event.js'

const { BENCH_TRANSPORT, BENCH_URL: url, BENCH_NUMBERS } = process.env
const carrier = carrierOf(BENCH_TRANSPORT)

const asker = (number) => async () => {
  const echo = await carrier.echo({ url, transport: carrier.transport(url), name: `asker-${number}` })
  await echo.listen()
  const payload = JSON.stringify(eventOf(number))
  return { ask: () => echo.ask(payload), close: () => echo.close() }
}
await closedLoops(BENCH_NUMBERS.split(',').map(asker))
