import { realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { invalidOption, mustBe } from '../core/base/options.js'
import { printable } from '../core/base/printable.js'
import { findLambdaHandler } from './lambda-handler.js'

/** A module on disk and one of its exports. */
export interface Target {
  /** The absolute path of the module. */
  readonly path: string
  /** The name of the export, or a path into an object: `app.handler`. */
  readonly exportName: string
  /** The absolute path of the folder that is Lambda's task root. @default found by the executor */
  readonly taskRoot?: string
}

/** The export for targets that name none. */
const DEFAULT_EXPORT = 'handler'

// The module's extension ends the path: only an export can follow.
const PATH_AND_EXPORT = /^(.+\.(?:[cm]?[jt]sx?|py))#([\p{ID_Start}$_][\p{ID_Continue}$.]*)$/su

const MODULE = /\.(?:[cm]?[jt]sx?|py)$/

/**
 * Splits `./src/api.ts#handler`, where folder names may contain a `#`, or finds the module of `src/api.handler`.
 * @param option the option's name, for messages
 * @throws TetherError `INVALID_OPTION`
 */
export function parseTarget(text: string | URL, cwd: string = process.cwd(), option = 'target'): Target {
  if (text instanceof URL) return { path: pathOfUrl(option, text), exportName: DEFAULT_EXPORT }
  mustBe("a text such as './src/api.ts#handler'", typeof text === 'string' && text !== '', option, text)
  const [, path, exportName] = PATH_AND_EXPORT.exec(text) ?? []
  if (path !== undefined && exportName !== undefined) return { path: resolve(cwd, path), exportName }
  if (text.endsWith('#')) throw invalidOption(option, `names no export after its '#': '${printable(text)}'`)
  const handler = MODULE.test(text) ? undefined : findLambdaHandler(text, cwd, option)
  return handler ?? { path: resolve(cwd, text), exportName: DEFAULT_EXPORT }
}

/** @throws TetherError `INVALID_OPTION` if the URL is not a `file:` URL */
export function pathOfUrl(option: string, url: URL): string {
  try {
    return fileURLToPath(url)
  } catch {
    throw invalidOption(option, `must be a path or a file: URL of this machine, not ${printable(url.href)}`)
  }
}

/**
 * Returns the option `taskRoot` of the function at `path` as an absolute path.
 * @throws TetherError `INVALID_OPTION` if a Python module is not in or below the folder, from which its name derives
 */
export function taskRootOf(
  taskRoot: string | URL | undefined,
  path: string,
  cwd: string = process.cwd(),
): string | undefined {
  if (taskRoot === undefined) return undefined
  const folder = taskRoot instanceof URL ? pathOfUrl('taskRoot', taskRoot) : resolve(cwd, taskRoot)
  const below = relative(folder, path)
  if (path.endsWith('.py') && (below.startsWith('..') || isAbsolute(below)))
    throw invalidOption('taskRoot', `must be a folder at or above ${path}, not ${folder}`)
  return folder
}

/**
 * Follows links to a file's or folder's real path, as Node and esbuild do. Keeps the name of parts that do not exist
 * yet.
 */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const folder = dirname(path)
    return folder === path ? path : join(realPath(folder), basename(path))
  }
}
