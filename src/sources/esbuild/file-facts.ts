import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Files that package managers write when they change `node_modules`. */
const INSTALL_MARKERS = ['.package-lock.json', '.modules.yaml', '.yarn-state.yml', '.yarn-integrity']

const PNP_FILE = '.pnp.cjs'

/** Reads each file and checks each folder at most once per build, regardless of the number of imports. */
export class FileFacts {
  readonly #changed = new Map<string, number | undefined>()
  readonly #texts = new Map<string, { readonly changed: number | undefined; readonly text: string }>()
  readonly #above = new Map<string, string | undefined>()
  readonly #installed = new Map<string, string>()

  /** Starts another build: checks everything again. */
  renew(): void {
    this.#changed.clear()
    this.#above.clear()
    this.#installed.clear()
  }

  /** Returns when a file or folder last changed, in Unix milliseconds; undefined if it does not exist. */
  changedAt(path: string): number | undefined {
    if (this.#changed.has(path)) return this.#changed.get(path)
    let changed: number | undefined
    try {
      changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs
    } catch {
      // The path leads into an archive, or below a file.
    }
    this.#changed.set(path, changed)
    return changed
  }

  /** Returns the text of a file, read again only after a change; empty if the file cannot be read. */
  textOf(path: string): string {
    const changed = this.changedAt(path)
    const known = this.#texts.get(path)
    if (known && known.changed === changed) return known.text
    let text = ''
    try {
      text = readFileSync(path, 'utf8')
    } catch {
      // Not a file on this disk.
    }
    this.#texts.set(path, { changed, text })
    return text
  }

  /** Returns the nearest folder, at or above this one, with an entry of that name. */
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

  /** Returns a fingerprint that changes when packages are installed for modules in this folder. */
  installedFor(folder: string): string {
    const known = this.#installed.get(folder)
    if (known !== undefined) return known
    const times = this.installMarkers(folder).map((marker) => this.changedAt(marker) ?? '')
    const installed = times.join(' ')
    this.#installed.set(folder, installed)
    return installed
  }

  /** Returns the files that change when packages are installed for this folder; some may not exist. */
  installMarkers(folder: string): string[] {
    const pnp = this.pnpFile(folder)
    return [...(pnp === undefined ? [] : [pnp]), ...this.#markersAbove(folder)]
  }

  /** Returns the path of Yarn's `.pnp.cjs`, with which Node finds packages in archives, for modules in this folder. */
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
