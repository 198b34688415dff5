import { type BigIntStats, type FSWatcher, statSync, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Cancel, type Clock, systemClock } from '../core/base/clock.js'
import { TetherError } from '../core/base/errors.js'

/** One save is several events; this gathers them without being noticed. */
const GATHER_MS = 2
/** A save in place empties the file first. One that stays empty this long is meant to be empty. */
const EMPTY_MS = 50
/** Some editors move a file away before they write it anew. One that is gone this long was deleted. */
const GONE_MS = 100
/** File systems stamp changes with a clock of coarse ticks (4 ms is common): two changes can look like one. */
const COARSE_MS = 50

/**
 * Tells when files change. It watches their folders: a watch on a file itself ends when an editor replaces the
 * file by renaming another over it, which is how many save. A folder that is not there, as one that a build empties
 * by removing it, is awaited in the nearest that is.
 */
export class FileWatch {
  readonly #clock: Clock
  readonly #polling: number | undefined
  #cancelPoll: Cancel | undefined
  readonly #listeners = new Set<() => void>()
  /** What is followed, and how each looked when last seen. */
  readonly #files = new Map<string, BigIntStats | undefined>()
  readonly #folders = new Map<string, FSWatcher>()
  #anythingIn: ReadonlySet<string> = new Set()
  /** How those folders looked, where they are looked at. */
  #looks = new Map<string, BigIntStats | undefined>()
  /** Whether a folder is not there. */
  #awaits = false
  readonly #touched = new Set<string>()
  readonly #empty = new Set<string>()
  /** When each was first seen to be gone. */
  readonly #gone = new Map<string, number>()
  #cancel: Cancel | undefined
  #settlesAt = 0

  /** @param polling looks at the files so often, in milliseconds. @default waits for the file system to tell */
  constructor(clock: Clock = systemClock, polling?: number) {
    this.#clock = clock
    this.#polling = polling
  }

  /**
   * Follows these files and no others, all by absolute path, and in these folders whatever changes. Returns the
   * files that were not followed before, whose changes up to now went unseen.
   * @throws TetherError `UNSUPPORTED` when the system cannot watch a folder
   */
  follow(files: Iterable<string>, anythingIn: Iterable<string> = []): string[] {
    const wanted = new Set(files)
    const added = [...wanted].filter((file) => !this.#files.has(file))
    for (const file of this.#files.keys()) if (!wanted.has(file)) this.#files.delete(file)
    for (const file of added) this.#files.set(file, look(file))
    this.#anythingIn = new Set(anythingIn)
    const looks = [...this.#anythingIn].map(
      (folder) => [folder, this.#looks.get(folder) ?? look(folder)] as const,
    )
    this.#looks = new Map(this.#polling === undefined ? [] : looks)
    this.#arm()
    return added
  }

  /** Calls `listener` after each change, until disposed. */
  subscribe(listener: () => void): Disposable {
    // The same function may subscribe twice, and leave once.
    const own = () => listener()
    this.#listeners.add(own)
    this.#arm()
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(own)
        if (this.#listeners.size === 0) this.#disarm()
      },
    }
  }

  /** Tells of a change that was seen elsewhere. */
  notify(): void {
    for (const listener of this.#listeners) listener()
  }

  close(): void {
    this.#listeners.clear()
    this.#disarm()
  }

  #arm(): void {
    if (this.#listeners.size === 0) return
    if (this.#polling !== undefined) return this.#poll(this.#polling)
    const wanted = new Set([...[...this.#files.keys()].map((file) => dirname(file)), ...this.#anythingIn])
    const watched = new Set([...wanted].map((folder) => this.#armNearest(folder)))
    this.#awaits = [...wanted].some((folder) => !watched.has(folder))
    for (const folder of this.#folders.keys()) if (!watched.has(folder)) this.#disarmFolder(folder)
  }

  /** Watches a folder, or the nearest above it that is there; returns which. */
  #armNearest(folder: string): string {
    if (this.#armFolder(folder) || dirname(folder) === folder) return folder
    const above = this.#armNearest(dirname(folder))
    // It may have been made before the one above was watched.
    return this.#armFolder(folder) ? folder : above
  }

  #armFolder(folder: string): boolean {
    if (this.#folders.has(folder)) return true
    const watcher = this.#watch(folder)
    if (watcher) this.#folders.set(folder, watcher)
    return watcher !== undefined
  }

  /** A folder has come or gone: what is in those that were not watched has changed unseen. */
  #rearm(): void {
    const before = new Set(this.#folders.keys())
    this.#arm()
    const isNew = (folder: string) => this.#folders.has(folder) && !before.has(folder)
    for (const file of this.#files.keys()) if (isNew(dirname(file))) this.#touched.add(file)
    for (const folder of this.#anythingIn) if (isNew(folder)) this.#touched.add(folder)
    if (this.#touched.size > 0) this.#settleIn(GATHER_MS)
  }

  /** Looks at all files, again and again, and at the folders in which anything counts. */
  #poll(everyMs: number): void {
    this.#cancelPoll ??= this.#clock.schedule(everyMs, () => {
      this.#cancelPoll = undefined
      for (const [file, before] of this.#files) if (!isSame(before, look(file))) this.#touched.add(file)
      for (const [folder, before] of this.#looks) {
        const now = look(folder)
        if (isSame(before, now)) continue
        this.#looks.set(folder, now)
        this.#touched.add(folder)
      }
      if (this.#touched.size > 0 && this.#cancel === undefined) this.#settle()
      this.#arm()
    })
  }

  #disarm(): void {
    this.#cancelPoll?.()
    this.#cancelPoll = undefined
    for (const folder of this.#folders.keys()) this.#disarmFolder(folder)
    this.#touched.clear()
    this.#gone.clear()
    this.#cancel?.()
    this.#cancel = undefined
  }

  #disarmFolder(folder: string): void {
    this.#folders.get(folder)?.close()
    this.#folders.delete(folder)
  }

  #watch(folder: string): FSWatcher | undefined {
    try {
      const watcher = watch(folder, { persistent: false }, (type, name) => this.#onEvent(folder, type, name))
      // The folder is gone, for one; it is watched again when it is next followed.
      watcher.on('error', () => {
        watcher.close()
        this.#folders.delete(folder)
      })
      return watcher
    } catch (cause) {
      const { code = '' } = cause as NodeJS.ErrnoException
      if (['ENOENT', 'ENOTDIR'].includes(code)) return undefined
      const problem = cause instanceof Error ? cause.message : String(cause)
      const limits =
        code === 'EMFILE'
          ? 'limits on open files (`ulimit -n`) and on watchers (fs.inotify.max_user_instances)'
          : 'limit on watches (fs.inotify.max_user_watches)'
      const advice =
        `Raise the ${limits}, ` +
        'or serve { load: () => source.load() }, which nobody ' +
        'watches, and call session.reload() yourself.'
      throw new TetherError('UNSUPPORTED', `${folder} cannot be watched: ${problem}. ${advice}`, { cause })
    }
  }

  #onEvent(folder: string, type: string, name: string | null): void {
    if (type === 'rename') this.#onRename(folder, name)
    if (name === null) {
      // Some systems do not say which.
      for (const file of this.#files.keys()) if (dirname(file) === folder) this.#touched.add(file)
    } else {
      const path = join(folder, basename(name))
      if (!this.#files.has(path) && !this.#anythingIn.has(folder)) return
      this.#touched.add(path)
      // A file renamed to this name is whole, so there is nothing to gather. One that was created is empty at first.
      if (type === 'rename' && (look(path)?.size ?? 0n) > 0n) return this.#settle()
    }
    this.#settleIn(GATHER_MS)
  }

  #onRename(folder: string, name: string | null): void {
    // By its own name a folder tells that it was removed or renamed. The watch stays with it, and the name may be
    // another's by now; which is not to be told by its inode, because a new folder gets that of one just removed.
    const gone = name === null || name === basename(folder)
    if (gone) {
      this.#disarmFolder(folder)
      for (const file of this.#files.keys()) if (dirname(file) === folder) this.#touched.add(file)
    }
    if (!gone && !this.#awaits) return
    try {
      this.#rearm()
    } catch {
      // Nobody asked; whoever follows it next is told.
    }
  }

  #settleIn(delayMs: number): void {
    // Never put off by further events, or one that keeps changing would not be reported.
    const at = this.#clock.now() + delayMs
    if (this.#cancel && this.#settlesAt <= at) return
    this.#cancel?.()
    this.#settlesAt = at
    this.#cancel = this.#clock.schedule(delayMs, () => {
      this.#cancel = undefined
      this.#settle()
    })
  }

  #settle(): void {
    const touched = [...this.#touched]
    this.#touched.clear()
    if (!touched.map((path) => this.#changed(path)).includes(true)) return
    this.notify()
  }

  #changed(path: string): boolean {
    const now = look(path)
    if (!now) return this.#isDeleted(path)
    this.#gone.delete(path)
    if (!this.#files.has(path)) return true
    if (now.size === 0n && !this.#empty.has(path)) {
      this.#empty.add(path)
      this.#touched.add(path)
      this.#settleIn(EMPTY_MS)
      return false
    }
    this.#empty.delete(path)
    const before = this.#files.get(path)
    this.#files.set(path, now)
    return !isSame(before, now) || Math.abs(this.#clock.now() - Number(now.mtimeMs)) < COARSE_MS
  }

  /** Whether it was there, and is gone for good. What replaces it before makes an event of its own. */
  #isDeleted(path: string): boolean {
    if (this.#files.get(path) === undefined) return false
    const now = this.#clock.now()
    const since = this.#gone.get(path) ?? now
    if (now - since < GONE_MS) {
      this.#gone.set(path, since)
      this.#touched.add(path)
      this.#settleIn(since + GONE_MS - now)
      return false
    }
    this.#gone.delete(path)
    this.#files.set(path, undefined)
    return true
  }
}

function isSame(before: BigIntStats | undefined, now: BigIntStats | undefined): boolean {
  if (before === undefined || now === undefined) return before === now
  return before.ino === now.ino && before.size === now.size && before.mtimeNs === now.mtimeNs
}

function look(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    // A folder above it is a file by now, or may not be entered: it is not there for whoever would build it either.
    return undefined
  }
}
