import { dirname, relative, resolve } from 'node:path'
import type { BuildOptions, Metafile } from 'esbuild'
import { type Clock, systemClock } from '../../core/base/clock.js'
import { defined } from '../../core/base/defined.js'
import { TetherError } from '../../core/base/errors.js'
import { realPath } from '../target.js'
import { BuildFolder } from './build-folder.js'
import { type Built, EsbuildContext } from './context.js'
import { type Dependency, dependenciesOf } from './dependencies.js'
import type { EsbuildMessage } from './failure.js'
import { FileFacts } from './file-facts.js'
import type { EsbuildOptions } from './options.js'
import { placed } from './output.js'
import { Packages } from './packages.js'
import { type Format, REQUIRED, type Special } from './special.js'

/** The build of one entry. */
export interface EntryBuild {
  readonly format: Format
  readonly code: Uint8Array
  readonly map: string
  /** Package modules that can be loaded before the build. */
  readonly dependencies: readonly Dependency[]
  /** Absolute paths of the files in the build. */
  readonly inputs: readonly string[]
  readonly warnings: readonly EsbuildMessage[]
}

/** Builds entries of one package in shared memory. Ends when every user has released it. */
export class EsbuildBuilder {
  readonly cwd: string
  readonly clock: Clock
  readonly facts = new FileFacts()
  /** Configs for which the warning about decorator metadata was already given, so that it is given once. */
  readonly told: Set<string>
  readonly polling: number | undefined
  readonly options: Omit<EsbuildOptions, 'cwd' | 'taskRoot' | 'clock' | 'polling'>
  readonly #entries: readonly string[]
  readonly #root: string | undefined
  readonly #packages: Packages
  readonly #special = { cjs: emptySpecial(), esm: emptySpecial() }
  readonly #contexts = new Map<Format, EsbuildContext>()
  /** Contexts of earlier groupings of the entries: a build may still be in progress. */
  readonly #retired: EsbuildContext[] = []
  /** Entries that must be ES modules, because they use top-level await. */
  readonly #esm = new Set<string>()
  #folder: Promise<BuildFolder> | undefined
  #users = 0

  /** @param entries absolute paths in one package, with links followed */
  constructor(
    entries: Iterable<string>,
    { cwd = process.cwd(), clock, polling, ...options }: Omit<EsbuildOptions, 'taskRoot'>,
    told = new Set<string>(),
  ) {
    this.told = told
    this.#entries = [...new Set(entries)]
    this.cwd = realPath(resolve(cwd))
    this.clock = clock ?? systemClock
    this.polling = polling
    this.options = options
    this.#root = this.facts.above(dirname(this.#entries[0]!), 'package.json')
    const { alias, conditions, external, mainFields, nodePaths, resolveExtensions, tsconfig, tsconfigRaw } =
      options
    const resolving = {
      alias,
      conditions,
      external,
      mainFields,
      nodePaths,
      resolveExtensions,
      tsconfig,
      tsconfigRaw,
    }
    this.#packages = new Packages(
      { ...defined(resolving), platform: 'node', absWorkingDir: this.cwd },
      this.facts,
    )
  }

  /** Returns the folder for versions of builds. */
  folder(): Promise<BuildFolder> {
    this.#folder ??= BuildFolder.open(this.clock)
    return this.#folder
  }

  /**
   * Builds an entry with all changes up to now, one build at a time.
   * @throws esbuild's own failure, and TetherError `MISSING_DEPENDENCY`, `BUILD_FAILED`
   */
  async build(entry: string): Promise<EntryBuild> {
    const together = await this.#contextOf(entry)
    try {
      return this.#partOf(together, await together.build(), entry)
    } catch (error) {
      if (error instanceof TetherError) throw error
      if (together.entries.length === 1) {
        if (together.format === 'esm' || !awaitsAtTop(error)) throw error
      } else {
        // Perhaps only another entry is broken: build this entry alone.
        const alone = await this.#create([entry], together.format)
        try {
          return this.#partOf(alone, await alone.build(), entry)
        } catch (own) {
          if (together.format === 'esm' || !awaitsAtTop(own)) throw own
        } finally {
          await alone.dispose()
        }
      }
    }
    this.#move(entry)
    return this.build(entry)
  }

  use(): void {
    this.#users++
  }

  async release(): Promise<void> {
    this.#users--
    if (this.#users > 0) return
    for (const context of [...this.#retired, ...this.#contexts.values()]) await context.dispose()
    await this.#packages.close()
    await (await this.#folder?.catch(() => undefined))?.remove()
  }

  #formatOf(entry: string): Format {
    return this.#esm.has(entry) ? 'esm' : (this.options.format ?? 'cjs')
  }

  async #contextOf(entry: string): Promise<EsbuildContext> {
    const format = this.#formatOf(entry)
    const known = this.#contexts.get(format)
    if (known) return known
    const entries = this.#entries.filter((other) => this.#formatOf(other) === format)
    const created = await this.#create(entries, format)
    // A concurrent call may have created it first.
    const context = this.#contexts.get(format) ?? created
    this.#contexts.set(format, context)
    return context
  }

  async #create(entries: readonly string[], format: Format): Promise<EsbuildContext> {
    const { path } = await this.folder()
    const { packages = 'external', format: _, ...passedOn } = this.options
    return new EsbuildContext({
      entries,
      format,
      cwd: this.cwd,
      // The folder of the versions, so that relative paths in the source map hold.
      outdir: path,
      root: this.#root,
      // esbuild 0.21 has no value for `bundle`: leave the option out.
      options: { ...passedOn, ...(packages === 'external' && { packages }) } as BuildOptions,
      special: this.#special[format],
      packages: this.#packages,
      facts: this.facts,
    })
  }

  /** Builds an entry as an ES module from now on. */
  #move(entry: string): void {
    this.#esm.add(entry)
    this.#retired.push(...this.#contexts.values())
    this.#contexts.clear()
  }

  #partOf(context: EsbuildContext, built: Built, entry: string): EntryBuild {
    const { metafile, files, packages } = built
    const path = context.outputOf(entry)
    const output = metafile.outputs[relative(this.cwd, path).replaceAll('\\', '/')]
    const module = files.find((file) => file.path === path)
    const map = files.find((file) => file.path === `${path}.map`)
    if (!output || !module || !map) {
      throw new TetherError('BUILD_FAILED', `esbuild made no module of ${entry}.`, {
        details: { file: entry },
      })
    }
    const { format } = context
    const used = new Map(
      output.imports.flatMap(({ path }) => (packages.has(path) ? [[path, packages.get(path)!]] : [])),
    )
    const inputs = inputsOf(metafile, output.entryPoint ?? '')
    return {
      format,
      code: placed(module.contents, {
        entry,
        format,
        packages: used,
        pnp: this.facts.pnpFile(dirname(entry)),
      }),
      // Shifts the mappings by one line, for the line placed before the code.
      map: map.text.replace('"mappings": "', '"mappings": ";'),
      dependencies: dependenciesOf({
        metafile,
        entryPoint: output.entryPoint ?? '',
        imported: new Set(output.imports.map(({ path }) => path)),
        packages,
        cwd: this.cwd,
        facts: this.facts,
        fingerprintOf: (folder, found) => this.#packages.fingerprintOf(folder, found),
      }),
      inputs: [entry, ...inputs.map((input) => resolve(this.cwd, input))],
      warnings: built.warnings.filter(({ location }) => location === null || inputs.includes(location.file)),
    }
  }
}

function emptySpecial(): Special {
  return { names: new Set(), files: new Set() }
}

function awaitsAtTop(error: unknown): boolean {
  const { errors } = error as { errors?: readonly EsbuildMessage[] }
  return (
    errors?.some(({ text }) =>
      text.startsWith('Top-level await is currently not supported with the "cjs"'),
    ) === true
  )
}

/** Returns all files in a module's build: the module, its imports, and theirs. */
function inputsOf({ inputs }: Metafile, entryPoint: string): string[] {
  const found = new Set([entryPoint])
  for (const input of found) {
    for (const { path, external } of inputs[input]?.imports ?? []) if (!external) found.add(path)
  }
  // Excludes stand-in modules, and files in archives, which never change.
  return [...found].filter((input) => !input.startsWith(REQUIRED) && !input.includes('.zip/node_modules/'))
}
