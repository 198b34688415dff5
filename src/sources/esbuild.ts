import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TetherError } from '../core/errors.js'
import type { FunctionSource } from '../core/function-source.js'
import { moduleRootOf } from './build-folder.js'
import { EsbuildBuilder } from './esbuild-builder.js'
import type { EsbuildOptions, EsbuildSourceOptions } from './esbuild-options.js'
import { EsbuildSource } from './esbuild-source.js'
import { parseTarget, type Target } from './target.js'

export type { EsbuildOptions, EsbuildSourceOptions } from './esbuild-options.js'

/**
 * A TypeScript or JavaScript module, built by esbuild (an optional peer dependency) together with the modules
 * that it imports by path, again after a save of any of them. Stack traces name the sources' files and lines.
 *
 * The build is an ES module in which `require`, `__dirname`, `__filename` and `import.meta.url` are those of
 * the entry.
 * @param target `./src/api.ts#handler`, or options
 * @throws TetherError `INVALID_OPTION`; from `load`: `MISSING_DEPENDENCY`, `BUILD_FAILED`, `CLOSED`
 */
export function esbuild(target: string | EsbuildSourceOptions): FunctionSource {
  if (typeof target === 'string') {
    const parsed = parseTarget(target)
    return new EsbuildSource(parsed, new EsbuildBuilder([parsed.path], {}))
  }
  const { entry, exportName = 'handler', ...options } = target
  if (!(entry instanceof URL) && (typeof entry !== 'string' || entry === '')) {
    throw new TetherError('INVALID_OPTION', "'entry' must be the path of a module, such as './src/api.ts'.")
  }
  const path = entry instanceof URL ? fileURLToPath(entry) : resolve(options.cwd ?? process.cwd(), entry)
  return new EsbuildSource({ path, exportName }, new EsbuildBuilder([path], options))
}

/**
 * Sources of several functions that share esbuild's memory: modules that they have in common are parsed once. A save
 * rebuilds those functions that were built from what was saved; one that does not build leaves the others alone.
 * @param targets by name: `{ api: './src/api.ts#handler' }`, relative to `cwd`. The result has the same names.
 * @throws TetherError `INVALID_OPTION`; from `load`: as {@link esbuild}
 */
export function esbuildAll<Name extends string>(
  targets: Readonly<Record<Name, string>>,
  options: EsbuildOptions = {},
): Record<Name, FunctionSource> {
  const parsed = Object.entries<string>(targets).map(
    ([name, target]) => [name, parseTarget(target, options.cwd)] as const,
  )
  const builders = new Map<string, EsbuildBuilder>()
  // What is built together is written together, where the packages of each are found.
  const builderOf = ({ path }: Target): EsbuildBuilder => {
    const root = moduleRootOf(path) ?? ''
    const known = builders.get(root)
    if (known) return known
    const paths = parsed
      .map(([, target]) => target.path)
      .filter((other) => (moduleRootOf(other) ?? '') === root)
    const builder = new EsbuildBuilder(paths, options)
    builders.set(root, builder)
    return builder
  }
  const sources = parsed.map(([name, target]) => [name, new EsbuildSource(target, builderOf(target))])
  return Object.fromEntries(sources) as Record<Name, FunctionSource>
}
