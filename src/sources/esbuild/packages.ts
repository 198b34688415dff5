import { dirname, extname, join, sep } from 'node:path'
import type { BuildContext, BuildOptions, PluginBuild } from 'esbuild'
import type { FileFacts } from './file-facts.js'
import { createContext, hasEnded, readArchived } from './service.js'

/** An import that a build leaves unresolved. */
export interface PackageImport {
  readonly kind: 'import-statement' | 'require-call' | 'dynamic-import'
  /** The specifier in the code. */
  readonly specifier: string
  /** The folder of the importing module, absolute. */
  readonly folder: string
}

const KINDS: readonly string[] = ['import-statement', 'require-call', 'dynamic-import']

/** Whether an import of this kind, as esbuild names it, loads a module. */
export function loadsModule(kind: string): kind is PackageImport['kind'] {
  return KINDS.includes(kind)
}

/** The target of an import. */
export type Resolution =
  /** A file of an installed package that Node loads unchanged. `isModule`: an ES module by its name or its package. */
  | {
      readonly kind: 'installed'
      readonly path: string
      readonly isModule: boolean
      readonly manifest: string
    }
  /**
   * A file to include in the build: the developer's own, reached by a link or an alias, or a file that Node cannot
   * load.
   */
  | { readonly kind: 'source'; readonly path: string; readonly sideEffects: boolean }
  /** Listed in the option `external`: stays unchanged. */
  | { readonly kind: 'external' }
  | { readonly kind: 'missing'; readonly text: string }

interface Answer {
  readonly path: string
  readonly namespace: string
  readonly sideEffects: boolean
}

const NODE_LOADS = ['.js', '.cjs', '.mjs', '.json', '.node']

/**
 * Resolves imports of packages as esbuild does when it bundles. Results for installed packages are cached until the
 * file, the package's manifest or an installation changes: asking esbuild takes 0.25 ms each time.
 */
export class Packages {
  readonly #options: BuildOptions
  readonly #facts: FileFacts
  readonly #known = new Map<string, { readonly found: Resolution; readonly fingerprint: string }>()
  #context: Promise<{ context: BuildContext; resolve: PluginBuild['resolve'] }> | undefined

  /**
   * @param options options of resolution, without `packages: 'external'`, which would keep esbuild from resolving
   * packages
   */
  constructor(options: BuildOptions, facts: FileFacts) {
    // Without conditions, esbuild adds `module`, which selects files for bundlers: Node may be unable to load them.
    this.#options = { ...options, conditions: options.conditions ?? [] }
    this.#facts = facts
  }

  /** Returns a cached result, if it is still valid. */
  known({ kind, specifier, folder }: PackageImport): Resolution | undefined {
    const entry = this.#known.get(`${kind}\0${specifier}\0${folder}`)
    if (entry?.found.kind !== 'installed') return undefined
    return entry.fingerprint === this.#fingerprint(folder, entry.found) ? entry.found : undefined
  }

  async find(wanted: PackageImport): Promise<Resolution> {
    const known = this.known(wanted)
    if (known) return known
    const found = await this.#ask(wanted)
    if (found.kind !== 'installed') return found
    const { kind, specifier, folder } = wanted
    const fingerprint = this.#fingerprint(folder, found)
    this.#known.set(`${kind}\0${specifier}\0${folder}`, { found, fingerprint })
    return found
  }

  /** Returns a fingerprint of an installed file that changes with its version. */
  fingerprintOf(folder: string, path: string): string {
    return this.#fingerprint(folder, { path, manifest: join(this.#folderOf(path), 'package.json') })
  }

  async close(): Promise<void> {
    const created = await this.#context?.catch(() => undefined)
    await created?.context.dispose()
  }

  #fingerprint(folder: string, { path, manifest }: { path: string; manifest: string }): string {
    const facts = this.#facts
    return [path, facts.changedAt(path), facts.changedAt(manifest), facts.installedFor(folder)].join(' ')
  }

  async #ask({ kind, specifier, folder }: PackageImport, again = true): Promise<Resolution> {
    this.#context ??= this.#create()
    try {
      const { resolve } = await this.#context
      const answer = await resolve(specifier, {
        kind,
        resolveDir: folder,
        importer: join(folder, 'importer'),
      })
      const [error] = answer.errors
      if (error) return { kind: 'missing', text: error.text }
      if (answer.external) return { kind: 'external' }
      return await this.#classify(answer)
    } catch (error) {
      this.#context = undefined
      if (again && hasEnded(error)) return this.#ask({ kind, specifier, folder }, false)
      throw error
    }
  }

  async #classify({ path, namespace, sideEffects }: Answer): Promise<Resolution> {
    if (namespace !== 'file') return { kind: 'external' }
    const source = { kind: 'source', path, sideEffects } as const
    const [, archived] = /^(.*\.zip[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)/.exec(path) ?? []
    if (!path.includes(`${sep}node_modules${sep}`) || !NODE_LOADS.includes(extname(path))) return source
    const manifest = join(archived ?? this.#folderOf(path), 'package.json')
    const text = archived === undefined ? this.#facts.textOf(manifest) : await readArchived(manifest)
    const isModule = path.endsWith('.mjs') || (path.endsWith('.js') && isOfModules(text))
    // With Yarn's loader, `require` can read archives, but `import` cannot.
    if (archived !== undefined && isModule) return source
    return { kind: 'installed', path, isModule, manifest }
  }

  #folderOf(path: string): string {
    return this.#facts.above(dirname(path), 'package.json') ?? dirname(path)
  }

  async #create(): Promise<{ context: BuildContext; resolve: PluginBuild['resolve'] }> {
    let resolve: PluginBuild['resolve'] | undefined
    const setup = (build: PluginBuild) => {
      resolve = (...asked) => build.resolve(...asked)
    }
    // This context only resolves, and never builds.
    const context = await createContext({
      ...this.#options,
      entryPoints: [],
      bundle: true,
      write: false,
      logLevel: 'silent',
      plugins: [{ name: 'lambda-tether-resolve', setup }],
    })
    return { context, resolve: resolve! }
  }
}

function isOfModules(manifest: string): boolean {
  try {
    return (JSON.parse(manifest) as { type?: unknown } | null)?.type === 'module'
  } catch {
    return false
  }
}
