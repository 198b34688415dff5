// A session over IoT: `echo` answers with its event, `slow` after so long that an acknowledgement comes first.
import { setTimeout as sleep } from 'node:timers/promises'
import { createSession } from 'lambda-tether'
import { s3 } from 'lambda-tether/stores/s3'
import { CREDENTIALS, REGION, transportTo } from '../broker/transport.js'
import { onEnd, report } from '../process/child.js'
import { agedClock } from './aged-clock.js'

const ACKNOWLEDGED_FIRST_MS = 40
const { BENCH_URL, BENCH_KEY, BENCH_S3, BENCH_BUCKET, BENCH_CONNECTIONS = '1' } = process.env

const clock = agedClock()
const session = createSession({
  app: 'bench',
  stage: 'dev',
  key: BENCH_KEY,
  transport: transportTo(BENCH_URL),
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
clock.begin()
const echo = async (event) => event
const slow = async (event) => {
  await sleep(ACKNOWLEDGED_FIRST_MS)
  return event
}
session.serve({ functions: { echo, slow } })
await session.open()
onEnd(() => session.close())
report('open')
