import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What package managers write when they have changed `node_modules`. */
const INSTALL_MARKERS = ['.package-lock.json', '.modules.yaml', '.yarn-state.yml', '.yarn-integrity']

const PNP_FILE = '.pnp.cjs'

/** Reads each file and looks at each folder once in a build, however many imports lead there. */
export class FileFacts {
  readonly #changed = new Map<string, number | undefined>()
  readonly #texts = new Map<string, { readonly changed: number | undefined; readonly text: string }>()
  readonly #above = new Map<string, string | undefined>()
  readonly #installed = new Map<string, string>()

  /** Begins another build: what changed since is looked at again. */
  renew(): void {
    this.#changed.clear()
    this.#above.clear()
    this.#installed.clear()
  }

  /** When a file or folder last changed, in Unix milliseconds; undefined where there is none. */
  changedAt(path: string): number | undefined {
    if (this.#changed.has(path)) return this.#changed.get(path)
    let changed: number | undefined
    try {
      changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs
    } catch {
      // In an archive, or below a file.
    }
    this.#changed.set(path, changed)
    return changed
  }

  /** The text of a file, read again only after it changed; empty where it cannot be read. */
  textOf(path: string): string {
    const changed = this.changedAt(path)
    const known = this.#texts.get(path)
    if (known && known.changed === changed) return known.text
    let text = ''
    try {
      text = readFileSync(path, 'utf8')
    } catch {
      // Not a file of this disk.
    }
    this.#texts.set(path, { changed, text })
    return text
  }

  /** The nearest folder at or above this one that has a file or folder of that name. */
  above(folder: string, name: string): string | undefined {
    const key = `${name}\0${folder}`
    if (this.#above.has(key)) return this.#above.get(key)
    const parent = dirname(folder)
    const found = existsSync(join(folder, name))
      ? folder
      : parent === folder
        ? undefined
        : this.above(parent, name)
    this.#above.set(key, found)
    return found
  }

  /** What tells whether packages were installed where modules of this folder look for theirs. */
  installedFor(folder: string): string {
    const known = this.#installed.get(folder)
    if (known !== undefined) return known
    const times = this.installMarkers(folder).map((marker) => this.changedAt(marker) ?? '')
    const installed = times.join(' ')
    this.#installed.set(folder, installed)
    return installed
  }

  /** The files that change with an installation of packages for this folder; not all are there. */
  installMarkers(folder: string): string[] {
    const pnp = this.pnpFile(folder)
    return [...(pnp === undefined ? [] : [pnp]), ...this.#markersAbove(folder)]
  }

  /** Yarn's file that makes Node find packages in its archives, for modules of this folder. */
  pnpFile(folder: string): string | undefined {
    const found = this.above(folder, PNP_FILE)
    return found === undefined ? undefined : join(found, PNP_FILE)
  }

  #markersAbove(folder: string): string[] {
    const found = this.above(folder, 'node_modules')
    if (found === undefined) return []
    const own = INSTALL_MARKERS.map((marker) => join(found, 'node_modules', marker))
    return found === dirname(found) ? own : [...own, ...this.#markersAbove(dirname(found))]
  }
}
