import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defined } from '../core/base/defined.js'
import { TetherError } from '../core/base/errors.js'
import { optionsOf } from '../core/base/options.js'
import type { BuildOptions } from '../core/contracts/build-options.js'
import type { FunctionSource } from '../core/contracts/function-source.js'
import { EsbuildBuilder } from './esbuild/builder.js'
import { buildChecks } from './esbuild/options.js'
import { EsbuildSource } from './esbuild/source.js'
import { file } from './file.js'
import { parseTarget, realPath, taskRootOf } from './target.js'

/** Needs a build. */
const BUILT = ['.ts', '.tsx', '.mts', '.cts', '.jsx']
/** Node or Python runs it as it is. */
const RUN = ['.js', '.mjs', '.cjs', '.py']

export interface SpecOptions {
  /** @default the working directory */
  readonly cwd?: string
  /** As {@link FileOptions} has it. */
  readonly taskRoot?: string | URL | undefined
  /** How what needs a build is built. */
  readonly build?: BuildOptions | undefined
  /** What warnings have been told that are to be told once. @default none have */
  readonly told?: Set<string>
}

/**
 * The source of a target as users write it, `./src/api.ts#handler` or `./src/api.py#handler`: what neither Node nor Python
 * can run itself is built by esbuild. Without an export's name it is `handler`. Or as Lambda's configuration names it, `src/api.handler`.
 * @throws TetherError `INVALID_OPTION`
 */
export function sourceOf(
  target: string,
  { cwd, taskRoot, build = {}, told }: SpecOptions = {},
): FunctionSource {
  optionsOf(buildChecks)('build', build)
  const { path, exportName } = parseTarget(target, cwd)
  const extension = extname(path)
  if (BUILT.includes(extension)) {
    const entry = realPath(path)
    const options = cwd === undefined ? build : { ...build, cwd }
    const module = defined({ path: entry, exportName, taskRoot: taskRootOf(taskRoot, entry, cwd) })
    return new EsbuildSource(module, new EsbuildBuilder([entry], options, told))
  }
  if (RUN.includes(extension))
    return file(pathToFileURL(path), {
      exportName,
      taskRoot: taskRootOf(taskRoot, path, cwd),
      polling: build.polling,
    })
  throw new TetherError(
    'INVALID_OPTION',
    `'${target}' must end in one of ${[...BUILT, ...RUN].join(', ')}, with '#' and the name of an export behind it or not, or be a handler as Lambda's configuration names it: 'src/api.handler'.`,
  )
}
