import { onEnd, report } from '../process/child.js'

/**
 * Runs this many loops at once; each asks again as soon as it is answered. Tells the parent `ready` when each has been
 * answered once, one after the other; `begin` starts them, and `done` has the times of requests that began and ended
 * after the warm-up.
 * @param loops each `{ ask, close }`, opened when it is their turn
 */
export async function closedLoops(loops) {
  const opened = []
  for (const open of loops) {
    const loop = await open()
    await loop.ask()
    opened.push(loop)
  }
  process.on('message', async ({ type, warmUpSeconds, seconds }) => {
    if (type !== 'begin') return
    const from = performance.now() + warmUpSeconds * 1000
    const to = from + seconds * 1000
    const results = await Promise.all(opened.map(({ ask }) => measured(ask, from, to)))
    report('done', {
      latencies: results.flatMap(({ latencies }) => latencies),
      lost: results.reduce((sum, { lost }) => sum + lost, 0),
    })
  })
  onEnd(() => Promise.all(opened.map(({ close }) => close())))
  report('ready')
}

async function measured(ask, from, to) {
  const latencies = []
  let lost = 0
  while (performance.now() < to) {
    const startedAt = performance.now()
    try {
      await ask()
      const now = performance.now()
      if (now >= from && now < to) latencies.push(now - startedAt)
    } catch (error) {
      if (lost++ === 0) console.error(error.message)
    }
  }
  return { latencies, lost }
}
