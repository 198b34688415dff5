import { createHash } from 'node:crypto'
import { type BigIntStats, type FSWatcher, readFileSync, statSync, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Cancel, type Clock, systemClock } from '../core/base/clock.js'
import { TetherError } from '../core/base/errors.js'

/** One save causes several events. This delay gathers them, and is too short to notice. */
const GATHER_MS = 2
/** A save in place first empties the file. A file that stays empty this long is meant to be empty. */
const EMPTY_MS = 50
/** Some editors move a file away before they write it again. A file that is missing this long was deleted. */
const GONE_MS = 100
/**
 * File systems stamp changes with a coarse clock (4 ms is common): two changes may have the same time. After so recent a
 * change, only the content tells whether a further event is one of the same save.
 */
const COARSE_MS = 50
/** Larger files are taken for changed at each event so soon: reading them takes longer than 1 ms. */
const MAX_COMPARED_BYTES = 1024 * 1024
/** For the same reason, a change this shortly after a time may be stamped with an earlier one. */
const STAMP_MS = 20

/** The last known state of a file. */
interface Known {
  readonly stat: BigIntStats | undefined
  /** The hash of its content, if it had just changed. */
  readonly digest?: string | undefined
}

/**
 * Reports changes of files by watching their folders: a watch on a file itself ends when an editor renames another file
 * over it, which is how many editors save. If a folder does not exist, for example because a build removes it to empty
 * it, its nearest existing parent is watched.
 */
export class FileWatch {
  readonly #clock: Clock
  readonly #polling: number | undefined
  #cancelPoll: Cancel | undefined
  readonly #listeners = new Set<() => void>()
  /** Followed files. */
  readonly #files = new Map<string, Known>()
  readonly #folders = new Map<string, FSWatcher>()
  #anythingIn: ReadonlySet<string> = new Set()
  /** The last known state of these folders, when polling. */
  #looks = new Map<string, BigIntStats | undefined>()
  /** Whether a wanted folder does not exist. */
  #awaits = false
  readonly #touched = new Set<string>()
  readonly #empty = new Set<string>()
  /** When each missing file was first found missing. */
  readonly #gone = new Map<string, number>()
  #cancel: Cancel | undefined
  #settlesAt = 0

  /** @param polling milliseconds between checks of the files. @default relies on events of the file system */
  constructor(clock: Clock = systemClock, polling?: number) {
    this.#clock = clock
    this.#polling = polling
  }

  /**
   * Follows these files and no others, and any change in these folders; all paths are absolute. Returns the newly
   * followed files and folders: their changes up to now went unseen.
   * @throws TetherError `UNSUPPORTED` if the system cannot watch a folder
   */
  follow(files: Iterable<string>, anythingIn: Iterable<string> = []): string[] {
    const wanted = new Set(files)
    const added = [...wanted].filter((file) => !this.#files.has(file))
    const folders = new Set(anythingIn)
    const addedFolders = [...folders].filter((folder) => !this.#anythingIn.has(folder))
    for (const file of this.#files.keys()) if (!wanted.has(file)) this.#files.delete(file)
    for (const file of added) this.#files.set(file, { stat: look(file) })
    this.#anythingIn = folders
    const looks = [...this.#anythingIn].map(
      (folder) => [folder, this.#looks.get(folder) ?? look(folder)] as const,
    )
    this.#looks = new Map(this.#polling === undefined ? [] : looks)
    this.#arm()
    return [...added, ...addedFolders]
  }

  /** Calls `listener` after each change, until disposed. */
  subscribe(listener: () => void): Disposable {
    // A listener may subscribe twice and leave once.
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

  /** Reports a change that was detected elsewhere. */
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

  /** Watches a folder, or its nearest existing parent. Returns the watched folder. */
  #armNearest(folder: string): string {
    if (this.#armFolder(folder) || dirname(folder) === folder) return folder
    const above = this.#armNearest(dirname(folder))
    // The folder may have appeared before the watch on its parent began.
    return this.#armFolder(folder) ? folder : above
  }

  #armFolder(folder: string): boolean {
    if (this.#folders.has(folder)) return true
    const watcher = this.#watch(folder)
    if (watcher) this.#folders.set(folder, watcher)
    return watcher !== undefined
  }

  /**
   * Watches again after a folder has appeared or disappeared, and treats the content of newly watched folders as
   * touched: its changes went unseen.
   */
  #rearm(): void {
    const before = new Set(this.#folders.keys())
    this.#arm()
    const isNew = (folder: string) => this.#folders.has(folder) && !before.has(folder)
    for (const file of this.#files.keys()) if (isNew(dirname(file))) this.#touched.add(file)
    for (const folder of this.#anythingIn) if (isNew(folder)) this.#touched.add(folder)
    if (this.#touched.size > 0) this.#settleIn(GATHER_MS)
  }

  /** Checks all files and folders at this interval. */
  #poll(everyMs: number): void {
    this.#cancelPoll ??= this.#clock.schedule(everyMs, () => {
      this.#cancelPoll = undefined
      for (const [file, { stat }] of this.#files) if (!isSame(stat, look(file))) this.#touched.add(file)
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
      // The folder may be gone; the next `follow` watches it again.
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
      // Some systems do not give the name.
      for (const file of this.#files.keys()) if (dirname(file) === folder) this.#touched.add(file)
    } else {
      const path = join(folder, basename(name))
      if (!this.#files.has(path) && !this.#anythingIn.has(folder)) return
      this.#touched.add(path)
      // A file renamed to this name is complete, so there are no more events to gather. A newly created file is still
      // empty.
      if (type === 'rename' && (look(path)?.size ?? 0n) > 0n) return this.#settle()
    }
    this.#settleIn(GATHER_MS)
  }

  #onRename(folder: string, name: string | null): void {
    // An event with the folder's own name means that the folder was removed or renamed. The watch stays with the old
    // folder, and another folder may have the name by now. The inode does not tell: a new folder may reuse the inode of
    // a removed one.
    const gone = name === null || name === basename(folder)
    if (gone) {
      this.#disarmFolder(folder)
      for (const file of this.#files.keys()) if (dirname(file) === folder) this.#touched.add(file)
    }
    if (!gone && !this.#awaits) return
    try {
      this.#rearm()
    } catch {
      // There is no caller to tell: the next `follow` throws.
    }
  }

  #settleIn(delayMs: number): void {
    // Later events never postpone this, or a file that keeps changing would never be reported.
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
    const isRecent = Math.abs(this.#clock.now() - Number(now.mtimeMs)) < COARSE_MS
    const digest = isRecent && now.size <= MAX_COMPARED_BYTES ? digestOf(path) : undefined
    this.#files.set(path, { stat: now, digest })
    if (!isSame(before?.stat, now)) return true
    return isRecent && (digest === undefined || digest !== before?.digest)
  }

  /** Whether an existing file was deleted for good. A replacement before that causes its own event. */
  #isDeleted(path: string): boolean {
    if (this.#files.get(path)?.stat === undefined) return false
    const now = this.#clock.now()
    const since = this.#gone.get(path) ?? now
    if (now - since < GONE_MS) {
      this.#gone.set(path, since)
      this.#touched.add(path)
      this.#settleIn(since + GONE_MS - now)
      return false
    }
    this.#gone.delete(path)
    this.#files.set(path, { stat: undefined })
    return true
  }
}

/** Whether a file, or the names in a folder, may have changed since a time; Unix milliseconds. */
export function changedSince(path: string, time: number): boolean {
  return Number(look(path)?.mtimeMs ?? 0) >= time - STAMP_MS
}

function isSame(before: BigIntStats | undefined, now: BigIntStats | undefined): boolean {
  if (before === undefined || now === undefined) return before === now
  return before.ino === now.ino && before.size === now.size && before.mtimeNs === now.mtimeNs
}

function digestOf(path: string): string | undefined {
  try {
    return createHash('sha1').update(readFileSync(path)).digest('base64')
  } catch {
    return undefined
  }
}

function look(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    // A parent is now a file, or is not accessible: a build could not read the path either.
    return undefined
  }
}
