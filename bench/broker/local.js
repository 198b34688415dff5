// The package's own broker, which keeps to AWS IoT's limits, in a process of its own.
import { freePort } from '../network/free-port.js'
import { startProcess } from '../process/start.js'

// Switches off the rate limits of a connection, for benchmarks of anything else.
export const NO_RATE = { publishesPerSecond: null, bytesPerSecond: null }

/**
 * A local broker on ports that it keeps when it is restarted. A limit of null is switched off.
 * @param limits other than AWS's
 */
export async function startLocal({ limits = {} } = {}) {
  const env = {
    BENCH_LIMITS: JSON.stringify(limits),
    BENCH_TCP_PORT: String(await freePort()),
    BENCH_WS_PORT: String(await freePort()),
  }
  let broker
  const start = async () => {
    broker = startProcess(new URL('./local-process.js', import.meta.url), env)
    await broker.message('ready')
  }
  await start()
  return {
    name: 'local',
    port: Number(env.BENCH_TCP_PORT),
    webSocketPort: Number(env.BENCH_WS_PORT),
    url: `mqtt://127.0.0.1:${env.BENCH_TCP_PORT}`,
    start,
    kill: () => broker.kill(),
    /** Its traffic since it started: `{ messages, units, discarded }`. */
    async tally() {
      broker.send({ type: 'tally' })
      return broker.message('tally')
    },
    stop: () => broker.end(),
  }
}
