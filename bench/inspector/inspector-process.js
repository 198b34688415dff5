// Three sessions with a stub each, in one process over `memory`: without an inspector (`off`), with an inspector
// without readers (`alone`), and with an inspector that a client reads (`open`). Rounds name the session to invoke.
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
const parties = {
  off: await start('off', false),
  alone: await start('alone', true),
  open: await start('open', true),
}

async function start(name, inspected) {
  const stage = { app: 'bench', stage: 'dev' }
  const [root, transport] = [generateKey(), memory()]
  const session = createSession({ ...stage, key: root, transport })
  const folder = `${tmpdir()}/bench-${process.pid}-${name}`
  const inspector = inspected ? await inspect(session, { folder }) : undefined
  session.serve({ functions: { echo: async ({ body }) => ({ statusCode: 200, body }) } })
  await session.open()
  const key = stubKey({ ...stage, key: root, functionId: 'echo' })
  const handler = createStub({ ...stage, key, transport, functionId: 'echo' })
  const close = () => Promise.all([handler.close(), session.close()])
  return { handler, close, url: inspector && new URL(inspector.url) }
}

process.on('message', async ({ type, mode, count, everyMs }) => {
  if (type !== 'round') return
  const { handler } = parties[mode]
  const before = process.cpuUsage()
  for (let i = 0; i < count; i++) {
    const deadline = performance.now() + TIME_LIMIT_MS
    await handler(event, lambdaContext({ functionName: 'echo', awsRequestId: 'inspector', deadline }))
    if (everyMs > 0) await sleep(everyMs)
  }
  const { user, system } = process.cpuUsage(before)
  report('round', { us: (user + system) / count })
})
onEnd(() => Promise.all(Object.values(parties).map(({ close }) => close())))
const { port, searchParams } = parties.open.url
report('ready', { port: Number(port), token: searchParams.get('token') })
