import { onEnd, report } from '../process/child.js'

/**
 * Answers each `round` with the microseconds of processor time for one call of `work`, over `count` calls one after the
 * other. Counts all threads of the process, including garbage collection.
 */
export function serveRounds(work, close = () => {}) {
  process.on('message', async ({ type, count }) => {
    if (type !== 'round') return
    const before = process.cpuUsage()
    for (let i = 0; i < count; i++) await work()
    const { user, system } = process.cpuUsage(before)
    report('round', { us: (user + system) / count })
  })
  onEnd(close)
  report('ready')
}
