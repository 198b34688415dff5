import { join } from 'node:path'

// Node's own interval is a millisecond, in which a warm invocation begins and ends.
const INTERVAL_US = 200
const THREADS = new URL('./threads.js', import.meta.url).href

/**
 * Node's flags to leave a CPU profile, at the orderly end of the process, in a folder named for its part.
 * @param folder of the profiles; without one nothing is profiled
 */
export function profileFlags(part, folder = process.env.BENCH_CPU_PROF) {
  if (folder === undefined) return []
  const directory = join(folder, part)
  return [
    `--import=${THREADS}`,
    '--cpu-prof',
    `--cpu-prof-interval=${INTERVAL_US}`,
    `--cpu-prof-dir=${directory}`,
  ]
}
