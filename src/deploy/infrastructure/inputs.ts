import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { FileWatch } from '../../sources/file-watch.js'
import type { Synthesis } from './source.js'

/** Reports changes to the inputs of a synthesis: the contents of files, and the names in folders. */
export class Inputs {
  readonly #watch: FileWatch
  readonly #subscription: Disposable
  #files: readonly string[] = []
  #folders: readonly string[] = []
  /**
   * Hashes of files that changed during a synthesis. The app may write such a file itself: the same content again must
   * not start another synthesis.
   */
  readonly #written = new Map<string, string | undefined>()
  #look = ''

  constructor(onChange: () => void, polling?: number | undefined) {
    this.#watch = new FileWatch(undefined, polling)
    this.#subscription = this.#watch.subscribe(() => {
      const look = this.#lookNow()
      // In a listed folder, only the names count, not the contents of its files.
      if (look === this.#look) return
      this.#look = look
      onChange()
    })
  }

  /**
   * Watches these files and folders in place of the previous ones.
   * @param since when reading them began; Unix milliseconds
   * @returns whether a file has changed since then, and differs from its state after the previous synthesis
   */
  follow({ files, folders = [] }: Pick<Synthesis, 'files' | 'folders'>, since: number): boolean {
    this.#files = files
    this.#folders = folders
    this.#watch.follow(files, folders)
    const stale = files.filter(
      (file) => (stat(file)?.mtimeMs ?? 0) > since && this.#written.get(file) !== hash(file),
    )
    for (const file of [...stale, ...this.#written.keys()]) this.#written.set(file, hash(file))
    this.#look = this.#lookNow()
    return stale.length > 0
  }

  close(): void {
    this.#subscription[Symbol.dispose]()
    this.#watch.close()
  }

  #lookNow(): string {
    const files = this.#files.map((file) => {
      if (this.#written.has(file)) return hash(file)
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

function hash(file: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('base64')
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
