import { generateKey } from 'lambda-tether'
import { stubBundle } from 'lambda-tether/stub'
import { startBucket } from '../bucket/local.js'
import { carrierOf } from '../carriers/index.js'
import { distance } from '../network/distance.js'
import { startProxy } from '../network/proxy.js'
import { startProcess } from '../process/start.js'
import { stubSettings } from './stub-settings.js'

/**
 * A broker, a session, and a network of `roundTripMs` between each party and the broker; with `store`, a bucket at the
 * same distance. The session has `connections`; with `threads` its code runs in worker threads, not inline; `metered`
 * asks for a broker with a `tally`; the stub is for `functionId`.
 */
export async function setup({
  transport = 'iot',
  roundTripMs = 0,
  store = false,
  connections = 1,
  threads = false,
  metered = false,
  functionId = 'echo',
} = {}) {
  const carrier = carrierOf(transport, { brokered: true })
  const key = generateKey()
  const broker = await carrier.startBroker({ metered, key })
  const bucket = store ? await startBucket() : undefined
  const near = await distance({ port: carrier.port(broker), roundTripMs })
  const far = await distance({ port: carrier.port(broker), roundTripMs })
  // Always a proxy, since it counts bytes.
  const toBucket = bucket && (await startProxy({ port: bucket.port, roundTripMs }))
  const s3 = bucket && { endpoint: `http://127.0.0.1:${toBucket.port}`, bucket: bucket.name }
  const sessionUrl = carrier.url(near.port, broker)
  const session = startProcess(
    new URL('./session-process.js', import.meta.url),
    {
      BENCH_TRANSPORT: transport,
      BENCH_URL: sessionUrl,
      BENCH_KEY: key,
      BENCH_CONNECTIONS: String(connections),
      ...(threads && { BENCH_EXECUTOR: 'threads' }),
      ...(s3 && { BENCH_S3: s3.endpoint, BENCH_BUCKET: s3.bucket }),
    },
    { execArgv: ['--expose-gc'] },
  )
  await session.message('open')
  const url = carrier.url(far.port, broker)
  return {
    broker,
    session,
    key,
    /** The URL for stubs. */
    url,
    /** The URL for the session. */
    sessionUrl,
    s3,
    stubSettings: {
      ...stubSettings({
        app: 'bench',
        stage: 'dev',
        functionId,
        key,
        ...carrier.stubOptions(url),
      }),
      BENCH_BUNDLE: stubBundle(carrier.bundle).path,
    },
    /** Bytes to the bucket and from it. */
    storeBytes: () => toBucket?.bytes() ?? 0,
    /** Bytes of the broker's messages and the bucket's objects on the wire. */
    bytes: async () => (await broker.tally()).bytes + (toBucket?.bytes() ?? 0),
    async stop() {
      await session.end()
      await Promise.all([near, far, toBucket].map((proxy) => proxy?.stop()))
      await Promise.all([broker.stop(), bucket?.stop()])
    },
  }
}
