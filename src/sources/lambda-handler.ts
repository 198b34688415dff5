import { statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { invalidOption } from '../core/base/options.js'
import { printable } from '../core/base/printable.js'

/** A module that a handler's name may refer to. Its path is absolute. */
interface Candidate {
  readonly path: string
  readonly exportName: string
}

/** Extensions for Node functions: Lambda's runtime's own, in its order, then sources that are built into them. */
const NODE_EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx'] as const

/**
 * Finds the module of a handler in the form of Lambda's configuration. `src/api.handler` is the export `handler` of
 * `src/api.js`, `.mjs`, `.cjs`, or of a source that is built into one of them, or of `src/api.py`; for Python, dots may
 * stand for slashes.
 * @param option the option's name, for messages
 * @returns undefined if the text does not have this form
 * @throws TetherError `INVALID_OPTION` if there are several such modules, or no such module
 */
export function findLambdaHandler(text: string, cwd: string, option: string): Candidate | undefined {
  const named = [...nodeCandidates(text, cwd), ...pythonCandidates(text, cwd)]
  if (named.length === 0) return undefined
  const found = named.filter(({ path }) => isFile(path))
  if (found.length === 1) return found[0]
  const shown = (candidates: readonly Candidate[]) =>
    [...new Set(candidates.map(({ path }) => relative(cwd, path)))].join(', ')
  const problem =
    found.length === 0
      ? `names no module: none of ${shown(named)} is a file`
      : `may mean ${shown(found)}; name the one that is meant, as in '${relative(cwd, found[0]!.path)}#${found[0]!.exportName}'`
  throw invalidOption(option, `'${printable(text)}' ${problem}`)
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** The Node runtime ends the module at the first dot in the last part of the path. */
function nodeCandidates(text: string, cwd: string): Candidate[] {
  const [, module, exportName] =
    /^([^.]+)\.([\p{ID_Start}$_][\p{ID_Continue}$.]*)$/su.exec(basename(text)) ?? []
  if (module === undefined || exportName === undefined) return []
  const folder = resolve(cwd, dirname(text))
  return NODE_EXTENSIONS.map((extension) => ({ path: join(folder, module + extension), exportName }))
}

/** The Python runtime ends the module at the last dot. */
function pythonCandidates(text: string, cwd: string): Candidate[] {
  const [, module, exportName] =
    /^((?:\.{0,2}\/)*[^.]+(?:\.[^./]+)*)\.([\p{ID_Start}_][\p{ID_Continue}]*)$/su.exec(text) ?? []
  if (module === undefined || exportName === undefined) return []
  const [, lead = '', rest = ''] = /^((?:\.{0,2}\/)*)(.*)$/s.exec(module) ?? []
  return [{ path: resolve(cwd, `${lead}${rest.replaceAll('.', '/')}.py`), exportName }]
}
