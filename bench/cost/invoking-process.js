// A stub and a session that answers with the event, in one process over `memory`.
import { importBuilt, stubKeyOf } from '../builds/build.js'
import { lambdaContext } from '../invocation/context.js'
import { event } from './event.js'
import { serveRounds } from './rounds.js'

const TIME_LIMIT_MS = 30_000
const { BENCH_EXECUTOR } = process.env
const build = await measuredBuild()
const stage = { app: 'bench', stage: 'dev' }
const [root, transport] = [build.generateKey(), build.memory()]
const session = build.createSession({ ...stage, key: root, transport })
session.serve(
  BENCH_EXECUTOR === 'inline'
    ? { functions: { echo: async (received) => received } }
    : { executor: build.workerThreads(), functions: { echo: echoFile() } },
)
await session.open()
const key = stubKeyOf(build, { ...stage, key: root, functionId: 'echo' })
const handler = build.createStub({ ...stage, key, transport, functionId: 'echo' })

serveRounds(
  async () => {
    const deadline = performance.now() + TIME_LIMIT_MS
    const context = lambdaContext({ functionName: 'echo', awsRequestId: 'cost', deadline })
    const answer = await handler(event, context)
    if (answer.text !== event.text) throw new Error('The answer is not the event.')
  },
  () => Promise.all([handler.close(), session.close()]),
)

async function measuredBuild() {
  const modules = ['', '/stub', '/executors', '/transports/memory']
  const imported = await Promise.all(modules.map((name) => importBuilt(`lambda-tether${name}`)))
  return Object.assign({}, ...imported)
}

function echoFile() {
  return `${new URL('../roundtrip/echo.mjs', import.meta.url).pathname}#handler`
}
