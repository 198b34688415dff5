import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TetherError } from '../core/base/errors.js'
import { optionsOf } from '../core/base/options.js'
import type { BuildOptions } from '../core/contracts/build-options.js'
import type { FunctionSource } from '../core/contracts/function-source.js'
import { buildChecks } from './esbuild/options.js'
import { esbuild } from './esbuild.js'
import { file } from './file.js'
import { parseTarget } from './target.js'

/** Needs a build. */
const BUILT = ['.ts', '.tsx', '.mts', '.cts', '.jsx']
/** Node or Python runs it as it is. */
const RUN = ['.js', '.mjs', '.cjs', '.py']

/**
 * The source of a target as users write it, `./src/api.ts#handler` or `./src/api.py#handler`: what neither Node nor Python
 * can run itself is built by esbuild, as `build` says. Without an export's name it is `handler`.
 * @throws TetherError `INVALID_OPTION`
 */
export function sourceOf(target: string, options: { cwd?: string; build?: BuildOptions | undefined } = {}): FunctionSource {
  const { cwd, build = {} } = options
  optionsOf(buildChecks)('build', build)
  const { path, exportName } = parseTarget(target, cwd)
  const extension = extname(path)
  if (BUILT.includes(extension)) return esbuild({ entry: path, exportName, ...build, ...(cwd === undefined ? {} : { cwd }) })
  if (RUN.includes(extension)) return file(pathToFileURL(path), exportName)
  throw new TetherError(
    'INVALID_OPTION',
    `'${target}' must end in one of ${[...BUILT, ...RUN].join(', ')}, with '#' and the name of an export behind it or not.`,
  )
}
