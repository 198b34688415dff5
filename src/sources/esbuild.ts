import { dirname, resolve } from 'node:path'
import { defined } from '../core/base/defined.js'
import { checkPath, checkText, recordOf } from '../core/base/option-checks.js'
import { checkOptions, required } from '../core/base/options.js'
import type { FunctionSource } from '../core/contracts/function-source.js'
import { EsbuildBuilder } from './esbuild/builder.js'
import { FileFacts } from './esbuild/file-facts.js'
import { type EsbuildOptions, type EsbuildSourceOptions, esbuildChecks } from './esbuild/options.js'
import { EsbuildSource } from './esbuild/source.js'
import { parseTarget, pathOfUrl, realPath, type Target, taskRootOf } from './target.js'

export type { EsbuildOptions, EsbuildSourceOptions } from './esbuild/options.js'

/**
 * A TypeScript or JavaScript module, built by esbuild (an optional peer dependency) together with the modules that it
 * imports by path or through links, as in a workspace. Saving any of them rebuilds it. Installed packages are loaded
 * from their own folders. Stack traces name the sources' files and lines.
 *
 * `require`, `__dirname`, `__filename` and `import.meta` refer to the entry; in modules of other packages that are
 * built with it, they refer to that module.
 * @param target `./src/api.ts#handler`, or options
 * @throws TetherError `INVALID_OPTION`; from `load`: `MISSING_DEPENDENCY`, `BUILD_FAILED`, `CLOSED`
 */
export function esbuild(target: string | EsbuildSourceOptions): FunctionSource {
  if (typeof target === 'string') {
    const parsed = realTarget(parseTarget(target))
    return new EsbuildSource(parsed, new EsbuildBuilder([parsed.path], {}))
  }
  const {
    entry,
    exportName = 'handler',
    taskRoot,
    ...options
  } = checkOptions('esbuild', target, {
    entry: required(checkPath),
    exportName: checkText,
    ...esbuildChecks,
  })
  const named = entry instanceof URL ? pathOfUrl('entry', entry) : resolve(options.cwd ?? '', entry)
  const path = realPath(named)
  const module = defined({ path, exportName, taskRoot: taskRootOf(taskRoot, path, options.cwd) })
  return new EsbuildSource(module, new EsbuildBuilder([path], options))
}

/**
 * Sources of several functions that share esbuild's memory: each module is parsed once, even if several functions
 * import it. A save rebuilds only the functions that include the saved file; a failed build does not affect the other
 * functions.
 * @param targets by name: `{ api: './src/api.ts#handler' }`, relative to `cwd`. The result has the same names.
 * @throws TetherError `INVALID_OPTION`; from `load`: as {@link esbuild}
 */
export function esbuildAll<Name extends string>(
  targets: Readonly<Record<Name, string>>,
  options: EsbuildOptions = {},
): Record<Name, FunctionSource> {
  recordOf("an object such as { api: './src/api.ts#handler' }", checkText)('targets', targets)
  const { taskRoot, ...building } = checkOptions('esbuildAll', options, esbuildChecks)
  const parsed = Object.entries<string>(targets).map(([name, text]) => {
    const target = realTarget(parseTarget(text, options.cwd, `targets.${name}`))
    return [name, defined({ ...target, taskRoot: taskRootOf(taskRoot, target.path, options.cwd) })] as const
  })
  const facts = new FileFacts()
  const packageOf = (path: string) => facts.above(dirname(path), 'package.json')
  const builders = new Map<string | undefined, EsbuildBuilder>()
  // Modules of the entries' own package get the entry's place, so each package needs a builder of its own.
  const builderOf = ({ path }: Target): EsbuildBuilder => {
    const root = packageOf(path)
    const known = builders.get(root)
    if (known) return known
    const paths = parsed.map(([, target]) => target.path).filter((other) => packageOf(other) === root)
    const builder = new EsbuildBuilder(paths, building)
    builders.set(root, builder)
    return builder
  }
  const sources = parsed.map(([name, target]) => [name, new EsbuildSource(target, builderOf(target))])
  return Object.fromEntries(sources) as Record<Name, FunctionSource>
}

function realTarget(target: Target): Target {
  return { ...target, path: realPath(target.path) }
}
