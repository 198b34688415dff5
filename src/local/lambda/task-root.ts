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

/** Location of a function's code. */
export interface TaskRoot {
  /** Replaces Lambda's `/var/task`. */
  readonly path: string
  /** Replaces Lambda's `/opt`; absent without layers. */
  readonly layersPath?: string
  remove(): void
}

/**
 * Uses folders in place. Copies a single file into a new folder, under the name that the handler requires, like an
 * unpacked zip: it finds no `node_modules` of this machine there. Merges several layers into a new folder.
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

/** Undefined if the path does not exist, or cannot exist, such as a name that is too long. */
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
