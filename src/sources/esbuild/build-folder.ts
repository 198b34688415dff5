import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Clock } from '../../core/base/clock.js'

/**
 * How long to keep a superseded version that was never held: the longest run of a Lambda function, plus time to end.
 */
const SUPERSEDED_MS = 16 * 60_000
/** How long to keep folders of another machine's processes, in a shared temporary folder, after their last change. */
const ABANDONED_MS = 24 * 60 * 60_000

const PREFIX = 'lambda-tether-'

/** A module and its source map. */
export interface BuildFiles {
  /** The module's file name. */
  readonly name: string
  readonly code: Uint8Array
  readonly map: string
}

/** A version of a build on disk. */
export interface BuildVersion {
  /** The absolute path of the module. */
  readonly path: string
  /** Keeps the files until the result is disposed, even after a newer version is written. */
  hold(): Disposable
}

interface Version {
  readonly path: string
  holders: number
  /** Whether the version was ever held: then its last release allows removal, without a wait. */
  held: boolean
  /** When a newer version replaced this one. */
  since: number | undefined
}

/** Writes versions of builds to the system's temporary folder, and never into a project. */
export class BuildFolder {
  /** Absolute. */
  readonly path: string
  readonly #clock: Clock
  readonly #versions = new Set<Version>()
  readonly #removals = new Set<Promise<void>>()
  /** The newest version of each entry. */
  readonly #current = new Map<string, Version>()
  #count = 0
  #kept = 0

  private constructor(path: string, clock: Clock) {
    this.path = path
    this.#clock = clock
  }

  /** Makes a folder for this process alone, unreadable to other users of the machine. */
  static async open(clock: Clock): Promise<BuildFolder> {
    const parent = realpathSync(tmpdir())
    const path = join(parent, `${PREFIX}${thisMachine()}-${process.pid}-${randomBytes(4).toString('hex')}`)
    await mkdir(path, { mode: 0o700 })
    await removeAbandoned(parent, clock.now())
    return new BuildFolder(path, clock)
  }

  /** Writes the next version of an entry, and removes superseded versions without holders. */
  write(entry: string, { name, code, map }: BuildFiles): BuildVersion {
    const path = join(this.path, `v${++this.#count}-${name}`)
    // A path may contain a `#`, and Node accepts no `file:` URL here: take the URL's path.
    const link = `//# sourceMappingURL=${pathToFileURL(`${path}.map`).pathname}\n`
    // Synchronous: writing two small files takes a fraction of a round trip to another thread. Makes the folder again,
    // in case the temporary folder was emptied.
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

  /** Writes a file that stays until the folder is removed, under a name that ends in `name`. */
  keep(name: string, contents: string): string {
    const path = join(this.path, `${++this.#kept}-${name}`)
    mkdirSync(this.path, { recursive: true, mode: 0o700 })
    writeFileSync(path, contents)
    return path
  }

  /** Removes the folder and its contents. */
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
    // Files that cannot be removed now are removed with the folder.
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
    // Removing another user's folder fails: ignore it.
    if (surely) await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}

/**
 * Identifies this machine or container, several of which may share the folder: a process id is unique only within one.
 */
function thisMachine(): string {
  let processes = ''
  try {
    processes = readlinkSync('/proc/self/ns/pid')
  } catch {
    // Only Linux has namespaces.
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
