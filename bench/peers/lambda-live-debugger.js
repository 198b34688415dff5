import { startLocal } from '../broker/local.js'
import { CREDENTIALS, REGION } from '../broker/transport.js'
import { distance } from '../network/distance.js'
import { startProcess } from '../process/start.js'
import { startDescribeEndpoint } from './describe-endpoint.js'
import { startWebSocketBridge } from './web-socket-bridge.js'

const FUNCTION = 'echo'
const DEBUGGER = 'bench'
const execArgv = ['--import', new URL('./plain-connections.js', import.meta.url).href]

/** Cold and warm times of Lambda Live Debugger, `roundTripMs` between each of its sides and the broker. */
export async function lambdaLiveDebugger({ installed, roundTripMs, cold, warm }) {
  const broker = await startLocal()
  const endpoint = await startDescribeEndpoint(`bench-ats.iot.${REGION}.amazonaws.com`)
  const bridge = await startWebSocketBridge(broker)
  const near = await distance({ port: bridge.port, roundTripMs })
  const far = await distance({ port: bridge.port, roundTripMs })
  const env = {
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_IOT: endpoint.url,
    NODE_NO_WARNINGS: '1',
    BENCH_FUNCTION: FUNCTION,
  }
  const client = startProcess(
    new URL('./lld-client.js', import.meta.url),
    {
      ...env,
      BENCH_MODULES: installed.modules,
      BENCH_DEBUGGER: DEBUGGER,
      BENCH_BROKER_PORT: String(near.port),
    },
    { execArgv, quiet: true },
  )
  const invocations = async (count) => {
    const stub = startProcess(
      new URL('./lld-stub.js', import.meta.url),
      {
        ...env,
        BENCH_INTERCEPTOR: installed.interceptor,
        BENCH_WARM: String(count),
        LLD_DEBUGGER_ID: DEBUGGER,
        LLD_FUNCTION_ID: FUNCTION,
        BENCH_BROKER_PORT: String(far.port),
      },
      { execArgv, quiet: true },
    )
    const times = await stub.message('times')
    await stub.end()
    return times
  }
  try {
    await client.message('ready')
    const colds = []
    for (let i = 0; i < cold; i++) colds.push((await invocations(0)).coldMs)
    const { warmMs } = await invocations(warm)
    return { cold: colds, warm: warmMs }
  } finally {
    await client.kill()
    await Promise.all([near.stop(), far.stop(), endpoint.stop()])
    await bridge.stop()
    await broker.stop()
  }
}
