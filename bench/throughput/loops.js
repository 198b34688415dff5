import { startProcess } from '../process/start.js'

const PROCESSES = 2

/**
 * Runs `count` closed loops, divided among processes that run `file`, for so many seconds after the warm-up. @returns
 * their times together, and how many requests were lost
 */
export async function runLoops(file, { count, env, warmUpSeconds, seconds }) {
  const numbers = Array.from({ length: count }, (_, number) => number)
  const shares = Array.from({ length: Math.min(PROCESSES, count) }, (_, i) =>
    numbers.filter((number) => number % PROCESSES === i),
  )
  const children = shares.map((share) => startProcess(file, { ...env, BENCH_NUMBERS: share.join() }))
  await Promise.all(children.map((child) => child.message('ready')))
  const done = children.map((child) => child.message('done'))
  for (const child of children) child.send({ type: 'begin', warmUpSeconds, seconds })
  const results = await Promise.all(done)
  await Promise.all(children.map((child) => child.end()))
  return {
    latencies: results.flatMap(({ latencies }) => latencies),
    lost: results.reduce((sum, { lost }) => sum + lost, 0),
  }
}
