/** The resident memory of this process after a collection; start it with `--expose-gc`. */
export const residentMb = () => memoryMb().residentMb

/**
 * The same, and the part of it that is reachable on the main thread's heap: the rest is V8's spare room, code, threads
 * and libraries.
 */
export function memoryMb() {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  return { residentMb: rss / 1024 ** 2, heapMb: heapUsed / 1024 ** 2 }
}
