import { residentMb } from '../process/memory.js'

const EVERY_MS = 20

/**
 * Watches the memory of this process, garbage included; start it with `--expose-gc`.
 * @returns a function that ends it and gives the growth of the peak, in MB, over the memory after a collection at the
 * beginning
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
