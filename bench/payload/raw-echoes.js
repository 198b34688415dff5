import { startAnswering } from '../echo/answering.js'
import { startProcess } from '../process/start.js'
import { median } from '../statistics/quantile.js'

/**
 * The floor for a body in frames: as many bytes echoed raw through the same network. The median of `count` for each of
 * the sizes, in milliseconds.
 */
export async function rawEchoesMs({ url, sessionUrl }, { transport, sizes, count }) {
  const answering = await startAnswering({ transport, url: sessionUrl })
  const asking = startProcess(new URL('./echoes-process.js', import.meta.url), {
    BENCH_TRANSPORT: transport,
    BENCH_URL: url,
  })
  await asking.message('ready')
  const medians = new Map()
  for (const bytes of sizes) {
    const done = asking.message('times')
    asking.send({ type: 'echo', bytes, count })
    medians.set(bytes, median((await done).times))
  }
  await Promise.all([answering.end(), asking.end()])
  return medians
}
