// The memory of each party, resident and on its heap, after so many invocations of 1 KB: measured after a collection at
// ten points on the way. Growth counts in the second half only: in the first, code is compiled and caches fill. Over a
// transport with a rate, several stubs share the invocations, each with a connection of the session's, and the first
// stub is measured. Options: --transport NAME (default mqtt), --count N (default 10000).
import { parseArgs } from 'node:util'
import { carrierOf } from './carriers/index.js'
import { setup } from './invocation/setup.js'
import { startProcess } from './process/start.js'

const BYTES = 1024
const POINTS = 10
const STUBS_WHERE_THERE_IS_A_RATE = 8
const COLLECTS = { execArgv: ['--expose-gc'] }

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { transport: { type: 'string', default: 'mqtt' }, count: { type: 'string', default: '10000' } },
  })
  const { transport } = values
  const carrier = carrierOf(transport)
  const world = carrier.startBroker === undefined ? await oneProcess() : await processes(transport, carrier)
  const { stubs, parties } = world
  const each = Math.ceil(Number(values.count) / POINTS / stubs.length)
  const step = { type: 'run', bytes: BYTES, count: each, pauseMs: carrier.pauseMs }
  const points = Object.fromEntries(Object.keys(parties).map((name) => [name, []]))
  try {
    for (let i = 1; i <= POINTS; i++) {
      await Promise.all(stubs.map((stub) => told(stub, step, 'times')))
      for (const [name, party] of Object.entries(parties)) {
        const { residentMb, heapMb } = await told(party, { type: 'memory' }, 'memory')
        points[name].push({
          invocations: i * each * (name === 'stub' ? 1 : stubs.length),
          residentMb: round(residentMb),
          heapMb: round(heapMb),
        })
      }
    }
  } finally {
    await world.stop()
  }
  return {
    transport,
    parties: Object.entries(points).map(([name, of]) => ({ name, points: of, ...growth(of) })),
  }
}

async function processes(transport, { pauseMs }) {
  const count = pauseMs > 0 ? STUBS_WHERE_THERE_IS_A_RATE : 1
  const world = await setup({ transport, threads: true, connections: count })
  const file = new URL('./invocation/stub-process.js', import.meta.url)
  const stubs = Array.from({ length: count }, () => startProcess(file, world.stubSettings, COLLECTS))
  await Promise.all(stubs.map((stub) => stub.message('ready')))
  const stop = async () => {
    await Promise.all(stubs.map((stub) => stub.end()))
    await world.stop()
  }
  return { stubs, parties: { session: world.session, stub: stubs[0] }, stop }
}

async function oneProcess() {
  const both = startProcess(new URL('./memory/both-sides-process.js', import.meta.url), {}, COLLECTS)
  await both.message('ready')
  return { stubs: [both], parties: { 'both in one': both }, stop: () => both.end() }
}

async function told(party, message, answer) {
  const answered = party.message(answer)
  party.send(message)
  return answered
}

function growth(points) {
  const [half, last] = [points[POINTS / 2 - 1], points.at(-1)]
  return {
    residentGrowthMb: round(last.residentMb - half.residentMb),
    heapGrowthMb: round(last.heapMb - half.heapMb),
  }
}

const round = (mb) => Math.round(mb * 10) / 10
