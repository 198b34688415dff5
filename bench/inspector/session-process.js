// A stub and a session with an inspector, in one process over `memory`.
import { createSession, generateKey } from 'lambda-tether'
import { inspect } from 'lambda-tether/inspector'
import { record } from 'lambda-tether/recorder'
import { createStub, stubKey } from 'lambda-tether/stub'
import { memory } from 'lambda-tether/transports/memory'
import { lambdaContext } from '../invocation/context.js'
import { onEnd, report } from '../process/child.js'
import { request } from '../recording/request.js'

const TIME_LIMIT_MS = 30_000
const AT_ONCE = 50
const event = request(1)
const stage = { app: 'bench', stage: 'dev' }
const [root, transport] = [generateKey(), memory()]
const session = createSession({ ...stage, key: root, transport })
const history = record(session, { keep: { count: 10_000, bytes: 256 * 1024 * 1024 } })
session.serve({ functions: { echo: async ({ body }) => ({ statusCode: 200, body }) } })
const inspector = await inspect(session, { history, folder: process.env.BENCH_FOLDER })
await session.open()
const key = stubKey({ ...stage, key: root, functionId: 'echo' })
const handler = createStub({ ...stage, key, transport, functionId: 'echo' })

/** The arrival times by the machine's clock. */
let arrivals = []
session.on('invoke', ({ id }) => arrivals.push([id, performance.timeOrigin + performance.now()]))

function invoke() {
  const deadline = performance.now() + TIME_LIMIT_MS
  return handler(event, lambdaContext({ functionName: 'echo', awsRequestId: 'page', deadline }))
}

async function round({ count, everyMs }) {
  arrivals = []
  if (everyMs === undefined) {
    for (let i = 0; i < count; i += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, invoke))
    return
  }
  const answers = []
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      answers.push(invoke())
      if (answers.length < count) return
      clearInterval(timer)
      resolve()
    }, everyMs)
  })
  await Promise.all(answers)
}

process.on('message', async (message) => {
  if (message.type !== 'round') return
  await round(message)
  report('round', { arrivals })
})
onEnd(async () => {
  await Promise.all([handler.close(), session.close()])
  await inspector.close()
})
report('ready', { url: inspector.url })
