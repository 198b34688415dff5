import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join, resolve } from 'node:path'
import { defined } from '../../core/base/defined.js'
import { TetherError } from '../../core/base/errors.js'
import type { CompleteDefinition } from './function-definition.js'

/** Where a function's code lies. */
export interface TaskRoot {
  /** What `/var/task` is on Lambda. */
  readonly path: string
  /** What `/opt` is on Lambda; absent without layers. */
  readonly layersPath?: string
  remove(): void
}

/**
 * Folders are used where they are. One file is copied into a folder of its own, under the name that the handler asks
 * for, as a zip would: it finds no `node_modules` of this machine there. Several layers are merged into a new folder.
 * @throws TetherError `INVALID_OPTION` when the bundle or a layer is missing or of another kind
 */
export function createTaskRoot(definition: CompleteDefinition): TaskRoot {
  const made: string[] = []
  const newFolder = (kind: string): string => {
    const path = realpathSync(mkdtempSync(join(tmpdir(), `lambda-tether-${kind}-`)))
    made.push(path)
    return path
  }
  const layersPath = mergeLayers(definition, newFolder)
  return defined({
    path: codeFolder(definition, newFolder),
    layersPath,
    remove: () => {
      for (const path of made) rmSync(path, { recursive: true, force: true })
    },
  })
}

function codeFolder(definition: CompleteDefinition, newFolder: (kind: string) => string): string {
  const bundle = resolve(definition.bundle)
  const kind = statOf(bundle)
  if (kind?.isDirectory() === true) return realpathSync(bundle)
  const extension = extname(bundle)
  if (kind?.isFile() !== true || !['.js', '.mjs', '.cjs', '.py'].includes(extension)) {
    throw new TetherError(
      'INVALID_OPTION',
      `'bundle' of '${definition.name}' is ${bundle}, which is ${kind === undefined ? 'missing' : 'no folder and no .js, .mjs, .cjs or .py file'}.`,
    )
  }
  const path = newFolder('task')
  const slash = definition.handler.lastIndexOf('/')
  const module = definition.handler.slice(0, definition.handler.indexOf('.', slash + 1))
  const target = join(path, `${module}${extension}`)
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(bundle, target)
  return path
}

/** Undefined for what is not there, or cannot be, such as a name that is too long. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

function mergeLayers(
  { name, layers }: CompleteDefinition,
  newFolder: (kind: string) => string,
): string | undefined {
  const folders = layers.map((layer) => resolve(layer))
  for (const folder of folders) {
    if (statOf(folder)?.isDirectory() === true) continue
    throw new TetherError('INVALID_OPTION', `'layers' of '${name}' has ${folder}, which is no folder.`)
  }
  const [first] = folders
  if (folders.length <= 1) return first && realpathSync(first)
  const merged = newFolder('layers')
  // Later layers win, as on Lambda.
  for (const folder of folders) cpSync(folder, merged, { recursive: true, verbatimSymlinks: true })
  return merged
}
