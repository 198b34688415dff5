// Many execution environments, each invoked again as soon as it has answered.
import { createStub } from 'lambda-tether/stub'
import { carrierOf } from '../carriers/index.js'
import { lambdaContext } from '../invocation/context.js'
import { onEnd, report } from '../process/child.js'

const TIME_OUT_MS = 30_000
const {
  BENCH_TRANSPORT,
  BENCH_URL,
  BENCH_KEY,
  BENCH_FUNCTION,
  BENCH_STUBS,
  BENCH_WARM_UP_SECONDS,
  BENCH_SECONDS,
} = process.env
const from = performance.now() + Number(BENCH_WARM_UP_SECONDS) * 1000
const to = from + Number(BENCH_SECONDS) * 1000

const latencies = []
let lost = 0

async function environment(index) {
  const handler = createStub({
    app: 'bench',
    stage: 'dev',
    key: BENCH_KEY,
    functionId: BENCH_FUNCTION,
    transport: carrierOf(BENCH_TRANSPORT).transport(BENCH_URL),
    env: { ENVIRONMENT: String(index) },
  })
  while (performance.now() < to) {
    const startedAt = performance.now()
    const context = lambdaContext({
      functionName: BENCH_FUNCTION,
      awsRequestId: `${index}`,
      deadline: startedAt + TIME_OUT_MS,
    })
    try {
      await handler({ index }, context)
      const now = performance.now()
      if (now >= from && now < to) latencies.push(now - startedAt)
    } catch (error) {
      if (lost++ === 0) console.error(error.message)
    }
  }
  await handler.close()
}

onEnd(() => {})
await Promise.all(Array.from({ length: Number(BENCH_STUBS) }, (_, index) => environment(index)))
report('done', { latencies, lost })
