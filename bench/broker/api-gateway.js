// The package's own API Gateway with its relay and table, in a process of its own.
import { startProcess } from '../process/start.js'

/** A local debug stack of this app, stage and session's key. */
export async function startApiGateway({ app = 'bench', stage = 'dev', key }) {
  const gateway = startProcess(new URL('./api-gateway-process.js', import.meta.url), {
    BENCH_APP: app,
    BENCH_STAGE: stage,
    BENCH_KEY: key,
  })
  const { port, path } = await gateway.message('ready')
  const tell = async (type) => {
    const answer = gateway.message(type)
    gateway.send({ type })
    return answer
  }
  return {
    name: 'local',
    port,
    path,
    /** Breaks every connection without telling the relay, and lets every route fail until `start`. */
    kill: () => tell('down'),
    start: () => tell('up'),
    /** Its traffic since it started: `{ messages, units, bytes, relayed, discarded }`. */
    tally: () => tell('tally'),
    // It ends its own processes first.
    stop: () => gateway.end(),
  }
}
