// A function with Lambda Live Debugger's layer: a cold invocation, timed from the start of the process, then warm ones.
import { createRequire } from 'node:module'
import { lambdaContext } from '../invocation/context.js'
import { onEnd, report } from '../process/child.js'

const TIME_OUT_MS = 30_000
const { BENCH_INTERCEPTOR, BENCH_FUNCTION, BENCH_WARM } = process.env
const { handler } = createRequire(import.meta.url)(BENCH_INTERCEPTOR)
const event = { text: 'x'.repeat(1000) }

const [coldMs] = await invoke(0, 0)
const warmMs = []
for (let i = 1; i <= Number(BENCH_WARM); i++) {
  const [endedAt, startedAt] = await invoke(i, performance.now())
  warmMs.push(endedAt - startedAt)
}
onEnd(() => process.exit())
report('times', { coldMs, warmMs })

async function invoke(number, startedAt) {
  const context = lambdaContext({
    functionName: BENCH_FUNCTION,
    awsRequestId: String(number),
    deadline: startedAt + TIME_OUT_MS,
  })
  const answer = await handler(event, context)
  const endedAt = performance.now()
  // Without an answer, it returns a page that says so.
  if (answer?.text !== event.text) throw new Error(`It answered ${JSON.stringify(answer)}.`)
  return [endedAt, startedAt]
}
