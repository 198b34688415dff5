// What an inspector costs: the processor time of an invocation over `memory`, stub and session in one process, at 20 invocations a
// second, without an inspector and with one whose stream a client in another process reads; by turns, the minimum of the rounds.
// `addedUs` is the difference; 150 is the aim. `alone` has the inspector without a client.
// Options: --count N (invocations in a round, default 60), --rounds N (default 5).
import { get } from 'node:http'
import { parseArgs } from 'node:util'
import { lambdaEnvironment } from './cost/lambda-environment.js'
import { startProcess } from './process/start.js'

const EVERY_MS = 50
const WARM_UP = { count: 2_000, everyMs: 0 }
const MODES = ['off', 'alone', 'open']

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { count: { type: 'string', default: '60' }, rounds: { type: 'string', default: '5' } },
  })
  const count = Number(values.count)
  const parties = await Promise.all(MODES.map(start))
  try {
    for (let i = -1; i < Number(values.rounds); i++) {
      for (const party of parties) {
        const answered = party.process.message('round')
        // The first is not counted: V8 compiles what runs often.
        party.process.send({ type: 'round', ...(i < 0 ? WARM_UP : { count, everyMs: EVERY_MS }) })
        const { us } = await answered
        if (i >= 0) party.us.push(us)
      }
    }
  } finally {
    for (const { client } of parties) client?.destroy()
    await Promise.all(parties.map(({ process }) => process.end()))
  }
  const [off, alone, open] = parties.map(({ us }) => Math.round(Math.min(...us)))
  const { messages } = parties[2]
  return { count, perSecond: 20, offUs: off, aloneUs: alone, openUs: open, addedUs: open - off, messages }
}

async function start(mode) {
  const party = { us: [], messages: 0 }
  party.process = startProcess(new URL('./inspector/inspector-process.js', import.meta.url), {
    ...lambdaEnvironment,
    BENCH_MODE: mode,
  })
  const { port, token } = await party.process.message('ready')
  if (mode === 'open') {
    party.client = get({
      host: '127.0.0.1',
      port,
      path: '/api/stream',
      headers: { authorization: `Bearer ${token}` },
    })
    party.client.on('error', () => {})
    party.client.on('response', (response) =>
      response.setEncoding('utf8').on('data', (text) => {
        party.messages += text.split('\nevent: invocation').length - 1
      }),
    )
  }
  return party
}
