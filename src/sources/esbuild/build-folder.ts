import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Clock } from '../../core/base/clock.js'

/** A version that nobody ever held stays as long as a Lambda function may run, with some time to end. */
const SUPERSEDED_MS = 16 * 60_000
/** What another machine's process left behind, in a shared folder, is removed when it is surely nobody's any more. */
const ABANDONED_MS = 24 * 60 * 60_000

const PREFIX = 'lambda-tether-'

/** A module and its source map. */
export interface BuildFiles {
  /** The module's file name. */
  readonly name: string
  readonly code: Uint8Array
  readonly map: string
}

/** A version on disk. */
export interface BuildVersion {
  /** Of the module, absolute. */
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

/** Where the versions of builds are written: in the system's folder for temporary files, and never into a project. */
export class BuildFolder {
  /** Absolute. */
  readonly path: string
  readonly #clock: Clock
  readonly #versions = new Set<Version>()
  readonly #removals = new Set<Promise<void>>()
  /** The newest version, by what it is one of. */
  readonly #current = new Map<string, Version>()
  #count = 0
  #kept = 0

  private constructor(path: string, clock: Clock) {
    this.path = path
    this.#clock = clock
  }

  /** Makes a folder that nobody else uses, in which others of this machine's users read nothing. */
  static async open(clock: Clock): Promise<BuildFolder> {
    const parent = realpathSync(tmpdir())
    const path = join(parent, `${PREFIX}${thisMachine()}-${process.pid}-${randomBytes(4).toString('hex')}`)
    await mkdir(path, { mode: 0o700 })
    await removeAbandoned(parent, clock.now())
    return new BuildFolder(path, clock)
  }

  /** Writes the next version of what is built of an entry, and removes those that nobody holds any more. */
  write(entry: string, { name, code, map }: BuildFiles): BuildVersion {
    const path = join(this.path, `v${++this.#count}-${name}`)
    // A path alone could have a `#` in it, and Node takes no `file:` URL here.
    const link = `//# sourceMappingURL=${pathToFileURL(`${path}.map`).pathname}\n`
    // Two small files: a fraction of what the way to another thread and back takes.
    // The folder again, where somebody has emptied the one for temporary files.
    mkdirSync(this.path, { recursive: true, mode: 0o700 })
    writeFileSync(path, Buffer.concat([code, Buffer.from(link)]))
    writeFileSync(`${path}.map`, map)
    const now = this.#clock.now()
    const version: Version = { path, holders: 0, held: false, since: undefined }
    const before = this.#current.get(entry)
    if (before) before.since = now
    this.#current.set(entry, version)
    this.#versions.add(version)
    for (const old of this.#versions) this.#removeIfUnused(old)
    return { path, hold: () => this.#hold(version) }
  }

  /** Writes a file that stays, under a name that ends in `name`. */
  keep(name: string, contents: string): string {
    const path = join(this.path, `${++this.#kept}-${name}`)
    mkdirSync(this.path, { recursive: true, mode: 0o700 })
    writeFileSync(path, contents)
    return path
  }

  /** Removes everything. */
  async remove(): Promise<void> {
    await Promise.all(this.#removals)
    await rm(this.path, { recursive: true, force: true })
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
    const removal = Promise.all([path, `${path}.map`].map((file) => rm(file, { force: true })))
      .then(() => {})
      .catch(() => {})
      .finally(() => this.#removals.delete(removal))
    this.#removals.add(removal)
  }
}

async function removeAbandoned(parent: string, now: number): Promise<void> {
  const here = thisMachine()
  for (const name of await readdir(parent)) {
    const [, machine, pid] = /^lambda-tether-([0-9a-f]{8})-(\d+)-[0-9a-f]+$/.exec(name) ?? []
    if (machine === undefined || (machine === here && isAlive(Number(pid)))) continue
    const path = join(parent, name)
    const changed = await stat(path).catch(() => undefined)
    const surely = machine === here || (changed && changed.mtimeMs < now - ABANDONED_MS)
    // Another user's stays.
    if (surely) await rm(path, { recursive: true, force: true }).catch(() => {})
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
