import { residentMb } from '../process/memory.js'

const EVERY_MS = 20

/**
 * Watches what this process holds, garbage included; start it with `--expose-gc`.
 * @returns ends it, and gives by how much the most was over what it held after a collection at the beginning, in MB
 */
export function watchMemory() {
  const before = residentMb()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss() / 1024 ** 2)
  }, EVERY_MS)
  return () => {
    clearInterval(timer)
    return most - before
  }
}
