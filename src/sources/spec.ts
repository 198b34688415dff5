import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TetherError } from '../core/base/errors.js'
import type { FunctionSource } from '../core/contracts/function-source.js'
import { esbuild } from './esbuild.js'
import { file } from './file.js'
import { parseTarget } from './target.js'

/** Needs a build. */
const BUILT = ['.ts', '.tsx', '.mts', '.cts', '.jsx']
/** Node or Python runs it as it is. */
const RUN = ['.js', '.mjs', '.cjs', '.py']

/**
 * The source of a target as users write it, `./src/api.ts#handler` or `./src/api.py#handler`: what neither Node nor Python
 * can run itself is built by esbuild. Without an export's name it is `handler`.
 * @throws TetherError `INVALID_OPTION`
 */
export function sourceOf(target: string, options: { cwd?: string } = {}): FunctionSource {
  const { path, exportName } = parseTarget(target, options.cwd)
  const extension = extname(path)
  if (BUILT.includes(extension)) return esbuild({ entry: path, exportName, ...options })
  if (RUN.includes(extension)) return file(pathToFileURL(path), exportName)
  throw new TetherError(
    'INVALID_OPTION',
    `'${target}' must end in one of ${[...BUILT, ...RUN].join(', ')}, with '#' and the name of an export behind it or not.`,
  )
}
