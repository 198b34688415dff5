import { isBuiltin } from 'node:module'
import { basename, dirname, extname, join, resolve, sep } from 'node:path'
import type { BuildContext, BuildOptions, BuildResult, Metafile } from 'esbuild'
import { entryPoint } from './entry-points.js'
import { namesItsPlace, placeNames } from './output.js'
import { loadsModule } from './packages.js'
import { createContext, hasEnded } from './service.js'
import { isNative, REQUIRED, type SpecialOptions, specialPlugins } from './special.js'

/** The result of a build of all entries. */
export interface Built {
  readonly metafile: Metafile
  readonly files: NonNullable<BuildResult['outputFiles']>
  readonly warnings: BuildResult['warnings']
  /** The paths of packages, by their specifiers in the code. */
  readonly packages: ReadonlyMap<string, string>
}

export interface ContextOptions extends SpecialOptions {
  readonly cwd: string
  readonly outdir: string
  /** The folder of the entries' package. */
  readonly root: string | undefined
  /** Options passed on from the user. */
  readonly options: BuildOptions
}

const EXTENSIONS = { cjs: '.cjs', esm: '.mjs' } as const

/** An esbuild context for one or several entries of one format. */
export class EsbuildContext {
  readonly #options: ContextOptions
  #context: Promise<BuildContext> | undefined
  /** The size of {@link Special} when the context was created: a context does not see later additions. */
  #specials = 0
  /** The build that is requested but not started: it serves every request until it starts. */
  #next: Promise<Built> | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ContextOptions) {
    this.#options = options
  }

  get entries(): readonly string[] {
    return this.#options.entries
  }

  get format(): ContextOptions['format'] {
    return this.#options.format
  }

  /** Builds with all changes up to now, one build at a time. @throws esbuild's own failure, and TetherErrors */
  build(): Promise<Built> {
    this.#next ??= this.#last.then(async () => {
      await this.#ready()
      this.#next = undefined
      return this.#build()
    })
    this.#last = this.#next.catch(() => {
      this.#next = undefined
    })
    return this.#next
  }

  async dispose(): Promise<void> {
    await this.#last
    await (await this.#context?.catch(() => undefined))?.dispose()
    this.#context = undefined
  }

  /** Returns the absolute path of an entry's output. No file is written there. */
  outputOf(entry: string): string {
    const { entries, format, outdir } = this.#options
    return join(outdir, `${outputName(entry, entries.indexOf(entry))}${EXTENSIONS[format]}`)
  }

  /** Repeats the build until it finds no new special imports or files; usually it runs once. */
  async #build(): Promise<Built> {
    const { facts } = this.#options
    for (;;) {
      facts.renew()
      const { metafile, outputFiles: files = [], warnings } = await this.#rebuild()
      if (!metafile) throw new TypeError('esbuild gave no metafile')
      const packages = await this.#resolve(metafile)
      if (this.#specials === this.#size()) return { metafile, files, warnings, packages }
    }
  }

  async #rebuild(): Promise<BuildResult> {
    try {
      return await (await this.#ready()).rebuild()
    } catch (error) {
      if (!hasEnded(error)) throw error
      this.#context = undefined
      return (await this.#ready()).rebuild()
    }
  }

  async #ready(): Promise<BuildContext> {
    if (this.#context && this.#specials !== this.#size()) {
      const outdated = this.#context
      this.#context = undefined
      await (await outdated).dispose()
    }
    this.#specials = this.#size()
    this.#context ??= createContext(this.#buildOptions())
    return this.#context.catch((error) => {
      this.#context = undefined
      throw error
    })
  }

  #size(): number {
    const { names, files } = this.#options.special
    return names.size + files.size
  }

  /** Resolves the imports that the build left external; an import that cannot stay external becomes special. */
  async #resolve({ inputs }: Metafile): Promise<Map<string, string>> {
    const { cwd, format, special, packages } = this.#options
    const paths = new Map<string, string>()
    for (const [input, { imports }] of Object.entries(inputs)) {
      if (input.startsWith(REQUIRED)) continue
      const importer = resolve(cwd, input)
      if (this.#needsPlace(importer)) special.files.add(importer)
      for (const { path: specifier, kind, external } of imports) {
        if (!external || special.names.has(specifier) || !loadsModule(kind)) continue
        if (isNative(specifier)) special.names.add(specifier)
        if (!isOfPackage(specifier)) continue
        const wanted = { kind, specifier, folder: dirname(importer) }
        const found = packages.known(wanted) ?? (await packages.find(wanted))
        if (found.kind === 'external') continue
        const fails = found.kind === 'missing'
        if (fails && kind !== 'import-statement') continue
        const other = paths.get(specifier)
        const agrees = found.kind === 'installed' && (other === undefined || other === found.path)
        if (format === 'cjs' && kind !== 'dynamic-import' && agrees) paths.set(specifier, found.path)
        else special.names.add(specifier)
      }
    }
    return paths
  }

  /**
   * Whether a file is a source module of another package that refers to its own place. Modules of the entry's own
   * package get the entry's place.
   */
  #needsPlace(path: string): boolean {
    const { root, facts } = this.#options
    if (!/\.[cm]?[jt]sx?$/.test(path) || path.includes(`${sep}node_modules${sep}`)) return false
    return facts.above(dirname(path), 'package.json') !== root && namesItsPlace(facts.textOf(path))
  }

  #buildOptions(): BuildOptions {
    const { entries, format, cwd, outdir, options } = this.#options
    const { define, plugins = [], external = [], ...passedOn } = options
    return {
      target: `node${process.versions.node}`,
      // Error types and containers use class names, which esbuild changes when two classes share a name.
      keepNames: true,
      ...passedOn,
      // Only Node can load native modules.
      external: [...external, '*.node'],
      platform: 'node',
      format,
      define: { ...placeNames, ...define },
      plugins: [...plugins, ...specialPlugins(this.#options)],
      entryPoints: entries.map((entry, index) => ({
        in: entryPoint(entry, index),
        out: outputName(entry, index),
      })),
      absWorkingDir: cwd,
      outdir,
      outExtension: { '.js': EXTENSIONS[format] },
      bundle: true,
      write: false,
      metafile: true,
      sourcemap: 'external',
      // The sources are on this machine, and a map without copies is faster to read.
      sourcesContent: false,
      logLevel: 'silent',
    }
  }
}

/**
 * Returns the name of an entry's output, without its extension. Chosen here, because esbuild's own lists name inputs
 * differently.
 */
function outputName(entry: string, index: number): string {
  return `${basename(entry, extname(entry)).replace(/[^\w.-]/g, '_')}.${index}`
}

function isOfPackage(specifier: string): boolean {
  return !/^(?:[./\\<]|[a-z][a-z+.-]+:)/i.test(specifier) && !isBuiltin(specifier)
}
