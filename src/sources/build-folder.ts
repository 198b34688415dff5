import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, rmdir, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../core/clock.js'

/** Nothing runs on a version longer than a Lambda function may run, with some time to end. */
const SUPERSEDED_MS = 16 * 60_000
/** What a killed process left behind is removed by a later one, when it is surely nobody's any more. */
const ABANDONED_MS = 24 * 60 * 60_000

const FOLDER = '.lambda-tether'

/** One file of a build. */
export interface OutputFile {
  readonly name: string
  readonly contents: Uint8Array
}

/**
 * Where the versions of one function's build are written: under the `node_modules` nearest to its source, so
 * that what it imports is found as from the source itself.
 */
export class BuildFolder {
  /** Absolute; each version is a folder in it. */
  readonly path: string
  /** The first folder that had to be made for it. */
  readonly #created: string
  readonly #clock: Clock
  readonly #superseded: { path: string; since: number }[] = []
  #current: string | undefined
  #version = 0

  private constructor(path: string, created: string, clock: Clock) {
    this.path = path
    this.#created = created
    this.#clock = clock
  }

  /** Makes a folder of its own for a source, which nobody else uses. */
  static async open(source: string, clock: Clock): Promise<BuildFolder> {
    const root = rootOf(source)
    if (root !== undefined) {
      const parent = join(root, 'node_modules', FOLDER)
      const path = join(parent, `${process.pid}-${randomBytes(4).toString('hex')}`)
      try {
        const created = await mkdir(path, { recursive: true })
        await removeAbandoned(parent, clock.now())
        return new BuildFolder(path, created ?? path, clock)
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? ''
        if (!['EACCES', 'EPERM', 'EROFS'].includes(code)) throw error
      }
    }
    const path = await mkdtemp(join(tmpdir(), 'lambda-tether-'))
    if (root !== undefined) await symlink(join(root, 'node_modules'), join(path, 'node_modules'), 'junction')
    return new BuildFolder(path, path, clock)
  }

  /** Writes the next version, and removes those that nothing can be running on any more. */
  async write(files: readonly OutputFile[]): Promise<string> {
    const path = join(this.path, `v${++this.#version}`)
    await mkdir(path)
    await Promise.all(files.map(({ name, contents }) => writeFile(join(path, name), contents)))
    const now = this.#clock.now()
    if (this.#current !== undefined) this.#superseded.push({ path: this.#current, since: now })
    this.#current = path
    while (this.#superseded[0] && this.#superseded[0].since <= now - SUPERSEDED_MS) {
      await rm(this.#superseded.shift()!.path, { recursive: true, force: true })
    }
    return path
  }

  /** Removes everything, and the folders above that are ours or were made for it, if they are empty. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
    const ours = (folder: string) => basename(folder) === FOLDER || folder.startsWith(this.#created)
    for (let folder = dirname(this.path); ours(folder); folder = dirname(folder)) {
      try {
        await rmdir(folder)
      } catch {
        return
      }
    }
  }
}

/** The nearest folder above that has a `node_modules`, else the package's root, else nothing. */
function rootOf(source: string): string | undefined {
  const above: string[] = []
  for (let folder = dirname(source); !above.includes(folder); folder = dirname(folder)) above.push(folder)
  const outside = above.filter((folder) => basename(folder) !== 'node_modules')
  const having = (name: string) => outside.find((folder) => existsSync(join(folder, name)))
  return having('node_modules') ?? having('package.json')
}

async function removeAbandoned(parent: string, now: number): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(/^(\d+)-/.exec(name)?.[1])
    if (!pid || isAlive(pid)) continue
    const path = join(parent, name)
    const changed = await stat(path).catch(() => undefined)
    if (changed && changed.mtimeMs < now - ABANDONED_MS) await rm(path, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
