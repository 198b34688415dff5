// Many execution environments in one process: each loads the deployed stub for itself.
import { createRequire } from 'node:module'
import { lambdaContext } from '../invocation/context.js'
import { closedLoops } from './closed-loops.js'
import { eventOf } from './event.js'

const TIME_OUT_MS = 30_000
const { BENCH_BUNDLE, BENCH_NUMBERS } = process.env
const require = createRequire(import.meta.url)

const environment = (number) => () => {
  delete require.cache[BENCH_BUNDLE]
  const { handler } = require(BENCH_BUNDLE)
  const event = eventOf(number)
  const ask = () => {
    const deadline = performance.now() + TIME_OUT_MS
    return handler(event, lambdaContext({ functionName: 'echo', awsRequestId: number, deadline }))
  }
  return { ask, close: () => handler.close() }
}
await closedLoops(BENCH_NUMBERS.split(',').map(environment))
