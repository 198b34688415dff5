// A session: `echo` answers with its event, `slow` after so long that an acknowledgement comes first.
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createSession } from 'lambda-tether'
import { workerThreads } from 'lambda-tether/executors'
import { s3 } from 'lambda-tether/stores/s3'
import { CREDENTIALS, REGION } from '../broker/transport.js'
import { carrierOf } from '../carriers/index.js'
import { onEnd, report } from '../process/child.js'
import { reportMemory } from '../process/measured.js'
import { agedClock } from './aged-clock.js'

const ACKNOWLEDGED_FIRST_MS = 40
const {
  BENCH_TRANSPORT,
  BENCH_URL,
  BENCH_KEY,
  BENCH_S3,
  BENCH_BUCKET,
  BENCH_CONNECTIONS = '1',
  BENCH_EXECUTOR,
} = process.env

const clock = agedClock()
const session = createSession({
  app: 'bench',
  stage: 'dev',
  key: BENCH_KEY,
  transport: carrierOf(BENCH_TRANSPORT).transport(BENCH_URL),
  clock,
  ...(BENCH_S3 && {
    store: s3({
      bucket: BENCH_BUCKET,
      endpoint: BENCH_S3,
      region: REGION,
      credentials: CREDENTIALS,
      forcePathStyle: true,
    }),
  }),
  connections: { max: Number(BENCH_CONNECTIONS) },
})
const echo = async (event) => event
const slow = async (event) => {
  await sleep(ACKNOWLEDGED_FIRST_MS)
  return event
}
session.serve(
  BENCH_EXECUTOR === 'threads'
    ? {
        executor: workerThreads(),
        functions: { echo: `${fileURLToPath(new URL('../roundtrip/echo.mjs', import.meta.url))}#handler` },
      }
    : { functions: { echo, slow } },
)
await session.open()
clock.begin()
reportMemory()
onEnd(() => session.close())
report('open')
