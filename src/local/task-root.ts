import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import { TetherError } from '../core/errors.js'
import type { CompleteDefinition } from './function-definition.js'

/** Where a function's code lies, as `/var/task` on Lambda. */
export interface TaskRoot {
  readonly path: string
  remove(): void
}

/**
 * A folder is used where it is. One file is copied into a folder of its own, under the name that the handler asks
 * for, as a zip would: it finds no `node_modules` of this machine there.
 * @throws TetherError `INVALID_OPTION` when the bundle is missing or of another kind
 */
export function createTaskRoot(definition: CompleteDefinition): TaskRoot {
  const bundle = resolve(definition.bundle)
  const kind = statSync(bundle, { throwIfNoEntry: false })
  if (kind?.isDirectory() === true) return { path: realpathSync(bundle), remove: () => {} }
  const extension = extname(bundle)
  if (kind?.isFile() !== true || !['.js', '.mjs', '.cjs'].includes(extension)) {
    throw new TetherError(
      'INVALID_OPTION',
      `'bundle' of '${definition.name}' is ${bundle}, which is ${kind === undefined ? 'missing' : 'no folder and no .js, .mjs or .cjs file'}.`,
    )
  }
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'lambda-tether-task-')))
  const slash = definition.handler.lastIndexOf('/')
  const module = definition.handler.slice(0, definition.handler.indexOf('.', slash + 1))
  const target = join(path, `${module}${extension}`)
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(bundle, target)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
