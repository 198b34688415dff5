// An invocation of 1 KB each way next to a raw QoS 0 echo through the same broker, interleaved, each party in a process
// of its own. Options: --count N (measured pairs per executor, default 1000).
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { generateKey } from 'lambda-tether'
import { stubEnvironment } from 'lambda-tether/stub'
import { startBroker } from './broker/broker.js'
import { quantile } from './statistics/quantile.js'

export async function run(args) {
  const { values } = parseArgs({ args, options: { count: { type: 'string', default: '1000' } } })
  const broker = await startBroker()
  try {
    const threads = await measure(broker.url, 'threads', Number(values.count))
    const inline = await measure(broker.url, 'inline', Number(values.count))
    return {
      broker: broker.name,
      count: Number(values.count),
      rawP50Ms: ms(threads.raw, 0.5),
      rawP99Ms: ms(threads.raw, 0.99),
      tetherP50Ms: ms(threads.tether, 0.5),
      tetherP99Ms: ms(threads.tether, 0.99),
      ratioP50: ratio(threads),
      inlineRawP50Ms: ms(inline.raw, 0.5),
      inlineP50Ms: ms(inline.tether, 0.5),
      inlineRatioP50: ratio(inline),
    }
  } finally {
    await broker.stop()
  }
}

async function measure(url, executor, count) {
  const key = generateKey()
  const session = start('session', { BENCH_URL: url, BENCH_KEY: key, BENCH_EXECUTOR: executor })
  await once(session, 'message')
  const stub = start('stub', {
    ...stubEnvironment({ app: 'bench', stage: 'dev', functionId: 'echo', key, url }),
    BENCH_COUNT: String(count),
    BENCH_URL: url,
  })
  const [times] = await once(stub, 'message')
  for (const child of [session, stub]) {
    child.disconnect()
    await once(child, 'exit')
  }
  return times
}

function start(name, env) {
  const child = fork(fileURLToPath(new URL(`./roundtrip/${name}.js`, import.meta.url)), {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  child.on('exit', (code) => {
    if (code !== 0) throw new Error(`The benchmark's ${name} process ended with ${code}.`)
  })
  return child
}

const ms = (values, share) => Math.round(quantile(values, share) * 1000) / 1000
const ratio = ({ raw, tether }) => Math.round((quantile(tether, 0.5) / quantile(raw, 0.5)) * 100) / 100
