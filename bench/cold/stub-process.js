// As Lambda starts it: the bundle, one event. The time counts from the start of the process.
import { createRequire } from 'node:module'
import { lambdaContext } from '../invocation/context.js'
import { report } from '../process/child.js'

const { handler } = createRequire(import.meta.url)(process.env.BENCH_BUNDLE)
const event = { text: 'x'.repeat(1000) }
await handler(
  event,
  lambdaContext({ functionName: 'echo', awsRequestId: 'cold', deadline: performance.now() + 30_000 }),
)
report('answered', { ms: performance.now() })
process.on('disconnect', () => handler.close())
