import { dirname, extname, join, sep } from 'node:path'
import type { BuildContext, BuildOptions, PluginBuild } from 'esbuild'
import type { FileFacts } from './file-facts.js'
import { createContext, hasEnded, readArchived } from './service.js'

/** An import that a build leaves to be resolved. */
export interface PackageImport {
  readonly kind: 'import-statement' | 'require-call' | 'dynamic-import'
  /** As the code names it. */
  readonly specifier: string
  /** The folder of the module that imports it, absolute. */
  readonly folder: string
}

const KINDS: readonly string[] = ['import-statement', 'require-call', 'dynamic-import']

/** Whether esbuild's kind of an import is one that loads a module. */
export function loadsModule(kind: string): kind is PackageImport['kind'] {
  return KINDS.includes(kind)
}

/** What an import leads to. */
export type Resolution =
  /** A file of an installed package that Node loads as it is. `isModule`: an ES module by its name or its package. */
  | {
      readonly kind: 'installed'
      readonly path: string
      readonly isModule: boolean
      readonly manifest: string
    }
  /** The developer's own, by a link or an alias, or something that Node cannot load: a part of the build. */
  | { readonly kind: 'source'; readonly path: string; readonly sideEffects: boolean }
  /** `external` says so: stays as it is. */
  | { readonly kind: 'external' }
  | { readonly kind: 'missing'; readonly text: string }

interface Answer {
  readonly path: string
  readonly namespace: string
  readonly sideEffects: boolean
}

const NODE_LOADS = ['.js', '.cjs', '.mjs', '.json', '.node']

/**
 * Finds what imports of packages lead to, as esbuild does when it bundles. The answers of installed packages are kept until the
 * file, its package's manifest or an installation says otherwise: asking esbuild takes 0.25 ms for each.
 */
export class Packages {
  readonly #options: BuildOptions
  readonly #facts: FileFacts
  readonly #known = new Map<string, { readonly found: Resolution; readonly fingerprint: string }>()
  #context: Promise<{ context: BuildContext; resolve: PluginBuild['resolve'] }> | undefined

  /** @param options how a build resolves, without `packages: 'external'`, by which esbuild would look for none */
  constructor(options: BuildOptions, facts: FileFacts) {
    // Without any, esbuild adds `module`, whose files are written for bundlers: Node need not be able to load them.
    this.#options = { ...options, conditions: options.conditions ?? [] }
    this.#facts = facts
  }

  /** What is known without asking. */
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

  /** What tells an installed file from its other versions. */
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
    // What Yarn sets up has `require` look into its archives, and `import` does not.
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
    // It never builds anything.
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
