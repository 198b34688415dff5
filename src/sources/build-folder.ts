import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, rmdir, stat, symlink } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../core/base/clock.js'

/** A version that nobody ever held stays as long as a Lambda function may run, with some time to end. */
const SUPERSEDED_MS = 16 * 60_000
/** What another machine's process left behind, in a shared folder, is removed when it is surely nobody's any more. */
const ABANDONED_MS = 24 * 60 * 60_000

const FOLDER = '.lambda-tether'

/** One file of a build. */
export interface OutputFile {
  readonly name: string
  readonly contents: Uint8Array | string
}

/** A version on disk. */
export interface BuildVersion {
  /** Absolute. */
  readonly path: string
  /** Keeps its files until it is disposed of, also when there is a newer version. */
  hold(): Disposable
}

interface Version {
  readonly path: string
  holders: number
  /** Whether anybody ever held it: those who did will say when they need it no more. */
  held: boolean
  /** When a newer version took its place. */
  since: number | undefined
}

/**
 * Where the versions of builds are written: under the `node_modules` nearest to their sources, so that what they import
 * is found as from the sources themselves.
 */
export class BuildFolder {
  /** Absolute; each version is a folder in it. */
  readonly path: string
  /** The first folder that had to be made for it. */
  readonly #created: string
  readonly #clock: Clock
  readonly #versions = new Set<Version>()
  readonly #removals = new Set<Promise<void>>()
  /** The newest version, by what it is one of. */
  readonly #current = new Map<string, Version>()
  #count = 0
  #kept = 0

  private constructor(path: string, created: string, clock: Clock) {
    this.path = path
    this.#created = created
    this.#clock = clock
  }

  /** Makes a folder of its own for a source, which nobody else uses. */
  static async open(source: string, clock: Clock): Promise<BuildFolder> {
    const root = moduleRootOf(source)
    if (root !== undefined) {
      const parent = join(root, 'node_modules', FOLDER)
      const path = join(parent, `${thisMachine()}-${process.pid}-${randomBytes(4).toString('hex')}`)
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

  /** Writes the next version of something, and removes those that nobody holds any more. */
  write(name: string, files: readonly OutputFile[]): BuildVersion {
    const path = join(this.path, `v${++this.#count}`)
    // Two small files: a fraction of what the way to another thread and back takes.
    // All of it, where an installation has taken it away with the rest of `node_modules`.
    mkdirSync(path, { recursive: true })
    for (const file of files) writeFileSync(join(path, file.name), file.contents)
    const now = this.#clock.now()
    const version: Version = { path, holders: 0, held: false, since: undefined }
    const before = this.#current.get(name)
    if (before) before.since = now
    this.#current.set(name, version)
    this.#versions.add(version)
    for (const old of this.#versions) this.#removeIfUnused(old)
    return { path, hold: () => this.#hold(version) }
  }

  /** Writes a file that stays, under a name that ends in `name`. */
  keep(name: string, contents: string): string {
    const path = join(this.path, `${++this.#kept}-${name}`)
    writeFileSync(path, contents)
    return path
  }

  /** Removes everything, and the folders above that are ours or were made for it, if they are empty. */
  async remove(): Promise<void> {
    await Promise.all(this.#removals)
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

  #hold(version: Version): Disposable {
    version.holders++
    version.held = true
    let holds = true
    return {
      [Symbol.dispose]: () => {
        if (!holds) return
        holds = false
        version.holders--
        this.#removeIfUnused(version)
      },
    }
  }

  #removeIfUnused(version: Version): void {
    const { path, holders, held, since } = version
    if (since === undefined || holders > 0) return
    if (!held && since > this.#clock.now() - SUPERSEDED_MS) return
    this.#versions.delete(version)
    // What cannot be removed now is removed with the folder.
    const removal = rm(path, { recursive: true, force: true })
      .catch(() => {})
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }
}

/** The nearest folder above that has a `node_modules`, else the package's root, else nothing. */
export function moduleRootOf(source: string): string | undefined {
  const above: string[] = []
  for (let folder = dirname(source); !above.includes(folder); folder = dirname(folder)) above.push(folder)
  const outside = above.filter((folder) => basename(folder) !== 'node_modules')
  const having = (name: string) => outside.find((folder) => existsSync(join(folder, name)))
  return having('node_modules') ?? having('package.json')
}

async function removeAbandoned(parent: string, now: number): Promise<void> {
  const here = thisMachine()
  for (const name of await readdir(parent)) {
    const [, machine, pid] = /^([0-9a-f]{8})-(\d+)-/.exec(name) ?? []
    if (machine === undefined || (machine === here && isAlive(Number(pid)))) continue
    const path = join(parent, name)
    const changed = await stat(path).catch(() => undefined)
    const surely = machine === here || (changed && changed.mtimeMs < now - ABANDONED_MS)
    if (surely) await rm(path, { recursive: true, force: true })
  }
}

/** Tells apart who may share the folder: machines, and containers, in which a process id means another process. */
function thisMachine(): string {
  let processes = ''
  try {
    processes = readlinkSync('/proc/self/ns/pid')
  } catch {
    // Only Linux has them.
  }
  return createHash('sha256').update(`${hostname()} ${processes}`).digest('hex').slice(0, 8)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
