// A stub and a session with an inspector, or without, in one process over `memory`.
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSession, generateKey } from 'lambda-tether'
import { inspect } from 'lambda-tether/inspector'
import { createStub, stubKey } from 'lambda-tether/stub'
import { memory } from 'lambda-tether/transports/memory'
import { lambdaContext } from '../invocation/context.js'
import { onEnd, report } from '../process/child.js'
import { request } from '../recording/request.js'

const TIME_LIMIT_MS = 30_000
const event = request(1)
const stage = { app: 'bench', stage: 'dev' }
const [root, transport] = [generateKey(), memory()]
const session = createSession({ ...stage, key: root, transport })
const inspector =
  process.env.BENCH_MODE === 'off'
    ? undefined
    : await inspect(session, { folder: `${tmpdir()}/bench-${process.pid}` })
session.serve({ functions: { echo: async ({ body }) => ({ statusCode: 200, body }) } })
await session.open()
const key = stubKey({ ...stage, key: root, functionId: 'echo' })
const handler = createStub({ ...stage, key, transport, functionId: 'echo' })

process.on('message', async ({ type, count, everyMs }) => {
  if (type !== 'round') return
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) {
    const deadline = performance.now() + TIME_LIMIT_MS
    await handler(event, lambdaContext({ functionName: 'echo', awsRequestId: 'inspector', deadline }))
    if (everyMs > 0) await sleep(everyMs)
  }
  const { user, system } = process.cpuUsage(before)
  report('round', { us: (user + system) / count })
})
onEnd(async () => {
  await Promise.all([handler.close(), session.close()])
  await inspector?.close()
})
const url = inspector && new URL(inspector.url)
report('ready', url && { port: Number(url.port), token: url.searchParams.get('token') })
