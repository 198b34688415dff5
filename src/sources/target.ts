import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TetherError } from '../core/base/errors.js'
import { mustBe } from '../core/base/options.js'

/** A module on disk and one of its exports. */
export interface Target {
  /** Absolute. */
  readonly path: string
  /** May lead into an object: `app.handler`. */
  readonly exportName: string
}

/** The export that is meant when none is named. */
const DEFAULT_EXPORT = 'handler'

// The module's extension ends the path: what follows it can only be an export.
const PATH_AND_EXPORT = /^(.+\.(?:[cm]?[jt]sx?|py))#([\p{ID_Start}$_][\p{ID_Continue}$.]*)$/su

/**
 * Takes `./src/api.ts#handler` apart; a `#` in a folder's name is none of an export's.
 * @throws TetherError `INVALID_OPTION`
 */
export function parseTarget(text: string | URL, cwd: string = process.cwd()): Target {
  if (text instanceof URL) return { path: pathOfUrl('target', text), exportName: DEFAULT_EXPORT }
  mustBe("a text such as './src/api.ts#handler'", typeof text === 'string' && text !== '', 'target', text)
  const [, path, exportName] = PATH_AND_EXPORT.exec(text) ?? []
  if (path !== undefined && exportName !== undefined) return { path: resolve(cwd, path), exportName }
  if (text.endsWith('#')) throw new TetherError('INVALID_OPTION', `'${text}' names no export after its '#'.`)
  return { path: resolve(cwd, text), exportName: DEFAULT_EXPORT }
}

/** @throws TetherError `INVALID_OPTION` where it is no `file:` URL */
export function pathOfUrl(option: string, url: URL): string {
  if (url.protocol === 'file:') return fileURLToPath(url)
  throw new TetherError('INVALID_OPTION', `'${option}' must be a path or a file: URL, not ${url.href}.`)
}

/** Where a file or folder lies when links have been followed, as Node and esbuild name it; what is not there yet keeps its name. */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const folder = dirname(path)
    return folder === path ? path : join(realPath(folder), basename(path))
  }
}
