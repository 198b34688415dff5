// Broker, session and stubs in processes of their own, with a network between them that has faults.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startApiGateway } from '../broker/api-gateway.js'
import { NO_RATE, startLocal } from '../broker/local.js'
import { startMosquitto } from '../broker/mosquitto.js'
import { carrierOf } from '../carriers/index.js'
import { stubSettings } from '../invocation/stub-settings.js'
import { startProxy } from '../network/proxy.js'
import { startProcess } from '../process/start.js'
import { FUNCTIONS, streams } from './stub-side.js'

const STUB_PROCESSES = 2
const GC = { execArgv: ['--expose-gc'] }
const BROKERS = {
  mosquitto: { carrier: 'mqtt', start: () => startMosquitto() },
  local: { carrier: 'mqtt', start: () => startLocal({ limits: NO_RATE }) },
  iot: { carrier: 'iot', start: () => startLocal() },
  'api-gateway': {
    carrier: 'api-gateway',
    start: (key) => startApiGateway({ app: 'chaos', stage: 'bench', key }),
  },
}

export const brokered = {
  transports: Object.keys(BROKERS),
  kinds: ['crash', 'broker', 'cut', 'cut-session', 'stall', 'mute'],

  async start({ transport, seed, key, count, stubs, connections, folder, onProgress }) {
    const { carrier: carrierName, start } = BROKERS[transport]
    const carrier = carrierOf(carrierName)
    const broker = await start(key)
    const port = carrier.port(broker)
    const near = await startProxy({ port })
    const far = await startProxy({ port })
    const common = { BENCH_SEED: String(seed), BENCH_TRANSPORT: carrierName }
    const instances = []
    const resident = []
    let session
    let fail
    const failed = new Promise((_, reject) => {
      fail = reject
    })

    const openSession = async () => {
      const starts = join(folder, `${instances.length}.starts`)
      const measured = []
      instances.push(starts)
      resident.push(measured)
      session = startProcess(
        new URL('./session-process.js', import.meta.url),
        {
          ...common,
          BENCH_KEY: key,
          BENCH_URL: carrier.url(near.port, broker),
          BENCH_CONNECTIONS: String(connections),
          BENCH_STARTS: starts,
        },
        GC,
      )
      session.died.catch(fail)
      session.on('resident', ({ mb }) => measured.push(mb))
      await session.message('open')
    }
    await openSession()
    const farUrl = carrier.url(far.port, broker)
    const settings = FUNCTIONS.map((functionId) => [
      functionId,
      stubSettings({
        app: 'chaos',
        stage: 'bench',
        key,
        functionId,
        streaming: streams(functionId),
        ...carrier.stubOptions(farUrl),
      }),
    ])
    const share = Math.ceil(count / STUB_PROCESSES)
    const processes = Array.from({ length: STUB_PROCESSES }, (_, i) =>
      startProcess(
        new URL('./stubs-process.js', import.meta.url),
        {
          ...common,
          BENCH_URL: farUrl,
          BENCH_SETTINGS: JSON.stringify(Object.fromEntries(settings)),
          BENCH_FROM: String(i * share),
          BENCH_TO: String(Math.min(count, (i + 1) * share)),
          BENCH_STUBS: String(Math.ceil(stubs / STUB_PROCESSES)),
        },
        GC,
      ),
    )
    for (const child of processes) child.on('progress', ({ settled }) => onProgress(settled))

    return {
      done: Promise.race([
        failed,
        Promise.all(processes.map(async (child) => (await child.message('done')).result)),
      ]),
      async inFlight() {
        const counts = processes.map((child) => {
          const answer = child.message('inFlight')
          child.send({ type: 'inFlight' })
          return answer
        })
        return (await Promise.all(counts)).reduce((sum, answer) => sum + answer.count, 0)
      },
      async crash(forMs) {
        await session.kill()
        const inFlight = await this.inFlight()
        await sleep(forMs)
        await openSession()
        return inFlight
      },
      async inflict({ kind, forMs, pick }) {
        const some = () => pick() < 0.5
        if (kind === 'broker') {
          await broker.kill()
          await sleep(forMs)
          await broker.start()
        } else if (kind === 'cut') far.cut(some)
        else if (kind === 'cut-session') near.cut()
        else if (kind === 'mute') far.mute(some)
        else await Promise.all([near.stall(forMs), far.stall(forMs)])
      },
      /** Lets every party end by itself. @throws when one does not */
      end: () => Promise.all([session, ...processes].map((child) => child.end())),
      /** Leaves nothing behind in any case. */
      async stop() {
        await Promise.all([session, ...processes].map((child) => child.kill()))
        await Promise.all([near.stop(), far.stop(), broker.stop()])
      },
      /** Each instance's starts, oldest instance first, and its memory while it lived. */
      async sessions() {
        const starts = await Promise.all(instances.map((file) => readFile(file, 'utf8')))
        return starts.map((text, i) => ({ starts: parse(text), residentMb: resident[i] }))
      },
    }
  },
}

const parse = (text) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [requestId, rerun, at] = line.split(' ')
      return { requestId, rerun: rerun === 'rerun', at: Number(at) }
    })
