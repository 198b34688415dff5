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

/** Extensions of sources that need a build. */
const BUILT = ['.ts', '.tsx', '.mts', '.cts', '.jsx']
/** Extensions that Node or Python can run unchanged. */
const RUN = ['.js', '.mjs', '.cjs', '.py']

export interface SpecOptions {
  /** @default the working directory */
  readonly cwd?: string
  /** As in {@link FileOptions}. */
  readonly taskRoot?: string | URL | undefined
  /** Options for building sources that need a build. */
  readonly build?: BuildOptions | undefined
  /** Keys of one-time warnings that were already given. @default an empty set */
  readonly told?: Set<string>
}

/**
 * Creates the source for a target such as `./src/api.ts#handler`, `./src/api.py#handler`, or `src/api.handler` as in
 * Lambda's configuration. The export defaults to `handler`. esbuild builds the files that neither Node nor Python can
 * run.
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
