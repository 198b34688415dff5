// Selects the build that a benchmark's process measures: this checkout's, or another checkout's (`--against FOLDER`).
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Imports one of the package's modules, such as `lambda-tether/stub`, from a build, by default the build in
 * `BENCH_BUILD`.
 */
export function importBuilt(specifier, folder = process.env.BENCH_BUILD ?? ROOT) {
  // A package may name itself: a name resolved within a checkout is that checkout's own build.
  const { resolve } = createRequire(join(folder, 'package.json'))
  return import(pathToFileURL(resolve(specifier)).href)
}

/** The key for a build's stubs; before protocol 2 stubs had the session's key. */
export function stubKeyOf({ stubKey }, options) {
  return stubKey === undefined ? options.key : stubKey(options)
}

/**
 * The builds to measure in turns, by name: `now`, and `before` if another checkout is given.
 * @throws if that checkout has not been built
 */
export function builds(against) {
  if (against === undefined) return { now: ROOT }
  const before = resolve(against)
  if (!existsSync(join(before, 'dist/index.js')))
    throw new Error(`${against} has no build; run \`npm run build:js\` there.`)
  return { now: ROOT, before }
}
