// A stub and a session with a recorder, or without, in one process over `memory`.
import { createSession, generateKey } from 'lambda-tether'
import { createStub, stubKey } from 'lambda-tether/stub'
import { memory } from 'lambda-tether/transports/memory'
import { lambdaContext } from '../invocation/context.js'
import { onEnd, report } from '../process/child.js'
import { median } from '../statistics/quantile.js'
import { request } from './request.js'

const TIME_LIMIT_MS = 30_000
const { BENCH_MODE, BENCH_KB, BENCH_FOLDER } = process.env
const event = request(Number(BENCH_KB))
const stage = { app: 'bench', stage: 'dev' }
const [root, transport] = [generateKey(), memory()]
const session = createSession({ ...stage, key: root, transport })
const recorder = BENCH_MODE === 'off' ? undefined : await recording()
session.serve({ functions: { echo: async ({ body }) => ({ statusCode: 200, body }) } })
await session.open()
const key = stubKey({ ...stage, key: root, functionId: 'echo' })
const handler = createStub({ ...stage, key, transport, functionId: 'echo' })

async function recording() {
  const { record } = await import('lambda-tether/recorder')
  if (BENCH_MODE === 'imported') return undefined
  return record(session, {
    ...(BENCH_MODE === 'disk' && { folder: BENCH_FOLDER }),
    keep: { count: 10_000, bytes: 128 * 1024 * 1024 },
  })
}

process.on('message', async ({ type, count }) => {
  if (type !== 'round') return
  const answersMs = []
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now()
    const deadline = startedAt + TIME_LIMIT_MS
    const answer = await handler(
      event,
      lambdaContext({ functionName: 'echo', awsRequestId: 'recording', deadline }),
    )
    answersMs.push(performance.now() - startedAt)
    if (answer.body !== event.body) throw new Error('The answer has not the body of the event.')
  }
  await recorder?.flush()
  const { user, system } = process.cpuUsage(before)
  report('round', { us: (user + system) / count, answerP50Ms: median(answersMs) })
})
onEnd(async () => {
  await Promise.all([handler.close(), session.close()])
  await recorder?.close()
})
report('ready')
