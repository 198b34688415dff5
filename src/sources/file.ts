import { realpathSync, statSync } from 'node:fs'
import { TetherError } from '../core/base/errors.js'
import { checkText } from '../core/base/option-checks.js'
import type { FunctionSource } from '../core/contracts/function-source.js'
import { FileWatch } from './file-watch.js'
import { parseTarget } from './target.js'

/**
 * A JavaScript module, ESM or CommonJS, or a Python module, run as it is. A save of that file reloads it; of the modules
 * that it imports nothing is known: for those use `esbuild()`, or call `session.reload()`.
 * @param target a path, relative to the working directory, or a `file:` URL; `path#export` names the export too
 * @param exportName @default what `target` names, else `handler`
 * @throws TetherError `INVALID_OPTION`; from `load`: `BUILD_FAILED` when the file is missing
 */
export function file(target: string | URL, exportName?: string): FunctionSource {
  const parsed = parseTarget(target)
  if (exportName !== undefined) checkText('exportName', exportName)
  const { path } = parsed
  const watch = new FileWatch()
  return {
    load: async () => {
      if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw missing(path)
      // Saves through a link change the file that it leads to.
      watch.follow([path, realpathSync(path)])
      return { kind: 'file', path, exportName: exportName ?? parsed.exportName }
    },
    watch: (listener) => {
      watch.follow([path])
      return watch.subscribe(listener)
    },
    close: async () => watch.close(),
  }
}

function missing(path: string): TetherError {
  const text = 'There is no such file'
  return new TetherError('BUILD_FAILED', `${text}: ${path}`, { details: { file: path, text } })
}
