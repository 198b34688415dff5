import { onEnd, report } from '../process/child.js'

/**
 * Answers each `round` with the microseconds of processor time that one call of `work` takes, over `count` calls one after the
 * other. All threads of the process are counted, those that collect garbage included.
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
