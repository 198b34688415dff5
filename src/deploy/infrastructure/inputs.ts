import { readdirSync, statSync } from 'node:fs'
import { FileWatch } from '../../sources/file-watch.js'
import type { Synthesis } from './source.js'

/** Tells when something changes that a synthesis read: the contents of files, and the names in folders. */
export class Inputs {
  readonly #watch: FileWatch
  readonly #subscription: Disposable
  #files: readonly string[] = []
  #folders: readonly string[] = []
  #look = ''

  constructor(onChange: () => void, polling?: number | undefined) {
    this.#watch = new FileWatch(undefined, polling)
    this.#subscription = this.#watch.subscribe(() => {
      const look = this.#lookNow()
      // Of a folder that was listed the names count, not what is in its files.
      if (look === this.#look) return
      this.#look = look
      onChange()
    })
  }

  /**
   * Follows these in the place of those before.
   * @param since when they began to be read; Unix milliseconds
   * @returns whether one has changed since
   */
  follow({ files, folders = [] }: Pick<Synthesis, 'files' | 'folders'>, since: number): boolean {
    this.#files = files
    this.#folders = folders
    this.#watch.follow(files, folders)
    this.#look = this.#lookNow()
    return files.some((file) => (stat(file)?.mtimeMs ?? 0) > since)
  }

  close(): void {
    this.#subscription[Symbol.dispose]()
    this.#watch.close()
  }

  #lookNow(): string {
    const files = this.#files.map((file) => {
      const { ino, size, mtimeMs } = stat(file) ?? {}
      return [ino, size, mtimeMs]
    })
    return JSON.stringify([files, this.#folders.map(names)])
  }
}

function stat(file: string) {
  try {
    return statSync(file, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}
