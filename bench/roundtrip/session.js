// The developer's side, and the raw echo's: one process, so that both pay for the same event loop.
import { fileURLToPath } from 'node:url'
import { createSession } from 'lambda-tether'
import { workerThreads } from 'lambda-tether/executors'
import { mqtt } from 'lambda-tether/transports/mqtt'
import { connectRaw } from './raw.js'

const { BENCH_URL, BENCH_KEY, BENCH_EXECUTOR } = process.env
const raw = await connectRaw(BENCH_URL)
await raw.subscribeAsync('raw/request')
raw.on('message', (_topic, payload) => raw.publish('raw/response', payload, { qos: 0 }))

const session = createSession({
  app: 'bench',
  stage: 'dev',
  key: BENCH_KEY,
  transport: mqtt({ url: BENCH_URL }),
})
session.serve(
  BENCH_EXECUTOR === 'inline'
    ? { functions: { echo: async (event) => event } }
    : {
        executor: workerThreads(),
        functions: { echo: `${fileURLToPath(new URL('./echo.mjs', import.meta.url))}#handler` },
      },
)
await session.open()
process.on('disconnect', async () => {
  await Promise.all([session.close(), raw.endAsync(true)])
})
process.send('ready')
