import { residentMb } from '../process/memory.js'

const EVERY_MS = 50

/**
 * Watches what this process holds; start it with `--expose-gc`. Each sample is taken after a collection: what is garbage was not
 * needed.
 * @returns ends it, and gives by how much the most was over the beginning, in MB
 */
export function watchMemory() {
  const before = residentMb()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, residentMb())
  }, EVERY_MS)
  return () => {
    clearInterval(timer)
    return most - before
  }
}
