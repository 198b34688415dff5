// The cost of an inspector: the processor time of an invocation over `memory`, stub and session in one process, at 20
// invocations a second, without an inspector and with one; another process reads its stream. The sessions take turns in
// one process. `addedUs` is the median of the differences between neighbouring rounds, so that a busy machine affects
// both alike; 150 is the aim. `alone` has the inspector without a client. Options: --count N (invocations in a round,
// default 20), --rounds N (default 15).
import { get } from 'node:http'
import { parseArgs } from 'node:util'
import { lambdaEnvironment } from './cost/lambda-environment.js'
import { startProcess } from './process/start.js'
import { median } from './statistics/quantile.js'

const EVERY_MS = 50
const WARM_UP = { count: 2_000, everyMs: 0 }
const MODES = ['off', 'alone', 'open']

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { count: { type: 'string', default: '20' }, rounds: { type: 'string', default: '15' } },
  })
  const count = Number(values.count)
  const us = { off: [], alone: [], open: [] }
  const process = startProcess(
    new URL('./inspector/inspector-process.js', import.meta.url),
    lambdaEnvironment,
  )
  const client = await connect(await process.message('ready'))
  try {
    for (let i = -1; i < Number(values.rounds); i++) {
      for (const mode of MODES) {
        const answered = process.message('round')
        // The first round is not counted: V8 compiles the hot code.
        process.send({ type: 'round', mode, ...(i < 0 ? WARM_UP : { count, everyMs: EVERY_MS }) })
        const round = await answered
        if (i >= 0) us[mode].push(round.us)
      }
    }
  } finally {
    client.close()
    await process.end()
  }
  const added = (mode) => Math.round(median(us[mode].map((each, i) => each - us.off[i])))
  return {
    count,
    perSecond: 1_000 / EVERY_MS,
    offUs: Math.round(median(us.off)),
    aloneAddedUs: added('alone'),
    addedUs: added('open'),
    messages: client.messages(),
  }
}

async function connect({ port, token }) {
  let messages = 0
  const client = get({
    host: '127.0.0.1',
    port,
    path: '/api/stream',
    headers: { authorization: `Bearer ${token}` },
  })
  client.on('error', () => {})
  client.on('response', (response) =>
    response.setEncoding('utf8').on('data', (text) => {
      messages += text.split('\nevent: invocation').length - 1
    }),
  )
  return { close: () => client.destroy(), messages: () => messages }
}
