import type { PluginBuild } from 'esbuild'

/** Precedes the number of an entry. */
const NUMBERED = 'lambda-tether-entry:'

/** Whether esbuild would treat an entry as a pattern, because its path has a `*`. */
export function isPattern(entry: string): boolean {
  return entry.includes('*')
}

/** Returns the entry point to give esbuild: the path, or a number that {@link findEntries} resolves to the path. */
export function entryPoint(entry: string, index: number): string {
  return isPattern(entry) ? `${NUMBERED}${index}` : entry
}

/** Makes a build resolve entries that were passed by number. */
export function findEntries(build: PluginBuild, entries: readonly string[]): void {
  build.onResolve({ filter: new RegExp(`^${NUMBERED}`) }, ({ path }) => ({
    path: entries[Number(path.slice(NUMBERED.length))]!,
  }))
}
