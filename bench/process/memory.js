/** What this process holds after a collection; start it with `--expose-gc`. */
export function residentMb() {
  globalThis.gc?.()
  return process.memoryUsage.rss() / 1024 ** 2
}
