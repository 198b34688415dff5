// A developer's host as it is started: the package, a session over MQTT with worker threads, one function in TypeScript.
// Times count from the start of the process.
import { importBuilt } from '../builds/build.js'
import { onEnd, report } from '../process/child.js'

const { BENCH_KEY: key, BENCH_URL: url, BENCH_FUNCTION } = process.env
const modules = ['', '/executors', '/transports/mqtt']
const [{ createSession }, { workerThreads }, { mqtt }] = await Promise.all(
  modules.map((name) => importBuilt(`lambda-tether${name}`)),
)
const session = createSession({ app: 'bench', stage: 'dev', key, transport: mqtt({ url }) })
session.serve({ executor: workerThreads(), functions: { echo: BENCH_FUNCTION } })
await session.open()
report('open', { ms: performance.now(), startedAt: performance.timeOrigin })
onEnd(() => session.close())
