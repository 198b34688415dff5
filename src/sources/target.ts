import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TetherError } from '../core/errors.js'

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
  if (text instanceof URL) return { path: fileURLToPath(text), exportName: DEFAULT_EXPORT }
  if (typeof text !== 'string' || text === '') {
    throw new TetherError(
      'INVALID_OPTION',
      `A target must be a text such as './src/api.ts#handler', not ${JSON.stringify(text)}.`,
    )
  }
  const [, path, exportName] = PATH_AND_EXPORT.exec(text) ?? []
  if (path !== undefined && exportName !== undefined) return { path: resolve(cwd, path), exportName }
  if (text.endsWith('#')) throw new TetherError('INVALID_OPTION', `'${text}' names no export after its '#'.`)
  return { path: resolve(cwd, text), exportName: DEFAULT_EXPORT }
}
