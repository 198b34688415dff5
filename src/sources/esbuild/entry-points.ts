import type { PluginBuild } from 'esbuild'

/** Stands before the number of an entry. */
const NUMBERED = 'lambda-tether-entry:'

/** Whether esbuild would take an entry for many: to it a path with a `*` is a pattern. */
export function isPattern(entry: string): boolean {
  return entry.includes('*')
}

/** What esbuild is given for an entry: its path, or its number, which {@link findEntries} has esbuild find again. */
export function entryPoint(entry: string, index: number): string {
  return isPattern(entry) ? `${NUMBERED}${index}` : entry
}

/** Has a build find the entries that it was given by their numbers. */
export function findEntries(build: PluginBuild, entries: readonly string[]): void {
  build.onResolve({ filter: new RegExp(`^${NUMBERED}`) }, ({ path }) => ({
    path: entries[Number(path.slice(NUMBERED.length))]!,
  }))
}
