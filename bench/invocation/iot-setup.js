import { generateKey } from 'lambda-tether'
import { startLocal } from '../broker/local.js'
import { startBucket } from '../bucket/local.js'
import { startProxy } from '../network/proxy.js'
import { startProcess } from '../process/start.js'
import { stubSettings } from './stub-settings.js'

/**
 * A local IoT broker with AWS's limits, a session, and a network of `roundTripMs` between each of them and the broker;
 * with `store`, a bucket as far away. `connections` are the session's.
 */
export async function iotSetup({ roundTripMs = 0, store = false, connections = 1 } = {}) {
  const broker = await startLocal()
  const bucket = store ? await startBucket() : undefined
  const near = await startProxy({ port: broker.webSocketPort, roundTripMs })
  const far = await startProxy({ port: broker.webSocketPort, roundTripMs })
  const toBucket = bucket && (await startProxy({ port: bucket.port, roundTripMs }))
  const key = generateKey()
  const session = startProcess(new URL('./session-process.js', import.meta.url), {
    BENCH_URL: `ws://127.0.0.1:${near.port}`,
    BENCH_KEY: key,
    BENCH_CONNECTIONS: String(connections),
    ...(bucket && { BENCH_S3: `http://127.0.0.1:${toBucket.port}`, BENCH_BUCKET: bucket.name }),
  })
  await session.message('open')
  const url = `ws://127.0.0.1:${far.port}`
  return {
    broker,
    key,
    url,
    stubSettings: stubSettings({ app: 'bench', stage: 'dev', functionId: 'echo', key, url }),
    /** What the broker's messages and the bucket's objects took on the wire. */
    bytes: async () => (await broker.tally()).bytes + (toBucket?.bytes() ?? 0),
    async stop() {
      await session.kill()
      await Promise.all([near, far, toBucket].map((proxy) => proxy?.stop()))
      await Promise.all([broker.stop(), bucket?.stop()])
    },
  }
}
