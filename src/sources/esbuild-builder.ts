import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { basename, extname, join, resolve } from 'node:path'
import type { BuildContext, BuildOptions, BuildResult, Metafile } from 'esbuild'
import { type Clock, systemClock } from '../core/base/clock.js'
import { TetherError } from '../core/base/errors.js'
import { outOfFiles } from '../out-of-files.js'
import type { BuildImport } from './build-dependencies.js'
import { BuildFolder, type OutputFile } from './build-folder.js'
import { nodeModuleOptions, nodeModulePrefix } from './esbuild-node.js'
import type { EsbuildOptions } from './esbuild-options.js'
import { realPath } from './target.js'

/** What starting a process takes for a moment: three pipes of two ends each, and a few to spare. */
const FILES_TO_START = 8

/** What was built of one entry. */
export interface EntryBuild {
  /** The module, then its source map. */
  readonly files: readonly OutputFile[]
  /** What it imports from outside, in the order in which it is evaluated. */
  readonly imports: readonly BuildImport[]
  /** The files it was built from, by absolute path. */
  readonly inputs: readonly string[]
}

/** One esbuild context, for one entry or several. It ends when everybody who uses it has released it. */
export class EsbuildBuilder {
  readonly cwd: string
  readonly clock: Clock
  readonly #entries: readonly string[]
  readonly #options: Omit<EsbuildOptions, 'cwd' | 'clock'>
  #folder: Promise<BuildFolder> | undefined
  #context: Promise<BuildContext> | undefined
  /** The rebuild that has been asked for and has not begun: it serves whoever asks now. */
  #next: Promise<BuildResult> | undefined
  #last: Promise<unknown> = Promise.resolve()
  #users = 0

  /** @param entries absolute paths under one `node_modules`, with links followed */
  constructor(entries: Iterable<string>, { cwd = process.cwd(), clock, ...options }: EsbuildOptions) {
    this.#entries = [...new Set(entries)]
    this.cwd = realPath(resolve(cwd))
    this.clock = clock ?? systemClock
    this.#options = options
  }

  /** Where versions are written. */
  folder(): Promise<BuildFolder> {
    this.#folder ??= BuildFolder.open(this.#entries[0]!, this.clock)
    return this.#folder
  }

  /**
   * One build at a time, which has every change up to now.
   * @throws esbuild's own failure, and TetherError `MISSING_DEPENDENCY`, `BUILD_FAILED`
   */
  async build(entry: string): Promise<EntryBuild> {
    try {
      return this.#partOf(await this.#rebuild(), entry)
    } catch (error) {
      // It may be that only another entry is broken.
      if (this.#entries.length === 1 || error instanceof TetherError) throw error
      const { build } = await importEsbuild()
      return this.#partOf(await build(await this.#buildOptions([entry])), entry)
    }
  }

  use(): void {
    this.#users++
  }

  async release(): Promise<void> {
    this.#users--
    if (this.#users > 0) return
    await this.#last
    await (await this.#context?.catch(() => undefined))?.dispose()
    await (await this.#folder?.catch(() => undefined))?.remove()
  }

  #rebuild(): Promise<BuildResult> {
    this.#next ??= this.#last.then(async () => {
      this.#context ??= this.#createContext()
      const context = await this.#context
      this.#next = undefined
      return context.rebuild().catch((error) => this.#rebuildAnew(error))
    })
    this.#last = this.#next.catch(() => {
      this.#next = undefined
    })
    return this.#next
  }

  async #rebuildAnew(error: unknown): Promise<BuildResult> {
    if (!hasEnded(error)) throw error
    this.#context = this.#createContext()
    return (await this.#context).rebuild()
  }

  async #createContext(): Promise<BuildContext> {
    try {
      const { context, stop } = await importEsbuild()
      const options = await this.#buildOptions(this.#entries)
      const create = () => startingEsbuild(() => context(options))
      return await create().catch(async (error) => {
        if (!hasEnded(error)) throw error
        // It starts no other process before it is told to forget the one that has ended.
        await stop()
        return create()
      })
    } catch (cause) {
      this.#context = undefined
      if (cause instanceof TetherError) throw cause
      const text = cause instanceof Error ? cause.message : String(cause)
      const details = { file: this.#entries[0], text }
      throw outOfFiles(cause, 'BUILD_FAILED') ?? new TetherError('BUILD_FAILED', text, { cause, details })
    }
  }

  async #buildOptions(entries: readonly string[]): Promise<BuildOptions> {
    const { define, packages = 'external', ...passedOn } = this.#options
    const folder = await this.folder()
    return {
      target: `node${process.versions.node}`,
      ...passedOn,
      ...nodeModuleOptions,
      define: { ...nodeModuleOptions.define, ...define },
      packages,
      entryPoints: entries.map((entry) => ({ in: entry, out: this.#nameOf(entry) })),
      absWorkingDir: this.cwd,
      // Versions lie as deep as this, so that the source map's relative paths hold.
      outdir: join(folder.path, 'v'),
      outExtension: { '.js': '.mjs' },
      bundle: true,
      write: false,
      metafile: true,
      sourcemap: 'linked',
      // The sources are here; reading maps is quicker without a copy of them.
      sourcesContent: false,
      logLevel: 'silent',
    }
  }

  #partOf({ metafile, outputFiles = [] }: BuildResult, entry: string): EntryBuild {
    const outputs = Object.entries(metafile?.outputs ?? {})
    const isOwn = (entryPoint?: string) => entryPoint !== undefined && resolve(this.cwd, entryPoint) === entry
    const [path, output] = outputs.find(([, { entryPoint }]) => isOwn(entryPoint)) ?? []
    const module = outputFiles.find((file) => file.path === resolve(this.cwd, path ?? ''))
    const map = outputFiles.find((file) => file.path === `${module?.path}.map`)
    if (!metafile || !output || !module || !map) {
      throw new TetherError('BUILD_FAILED', `esbuild made no module of ${entry}.`, {
        details: { file: entry },
      })
    }
    const contents = Buffer.concat([Buffer.from(nodeModulePrefix(entry)), module.contents])
    return {
      files: [
        { name: basename(module.path), contents },
        // One line further down, for the one that comes before.
        { name: basename(map.path), contents: map.text.replace('"mappings": "', '"mappings": ";') },
      ],
      imports: output.imports,
      inputs: inputsOf(metafile, output.entryPoint ?? '').map((input) => resolve(this.cwd, input)),
    }
  }

  #nameOf(entry: string): string {
    const name = basename(entry, extname(entry))
    return this.#entries.length === 1 ? name : `${name}-${this.#entries.indexOf(entry)}`
  }
}

/** Whether the process of esbuild has ended, of whatever: it says so in no other way. */
function hasEnded(error: unknown): boolean {
  return error instanceof Error && /^The service (was stopped|is no longer running)/.test(error.message)
}

/** Everything that a module was built from: what it imports, and what that does. */
function inputsOf({ inputs }: Metafile, entry: string): string[] {
  const found = new Set([entry])
  for (const input of found) {
    for (const { path, external } of inputs[input]?.imports ?? []) if (!external) found.add(path)
  }
  return [...found]
}

/**
 * Has the process of esbuild, where this is what starts it, collect its garbage half as often as Go does by itself: a
 * rebuild of 50 KB waits 2 ms less for it, of 8.
 */
function startingEsbuild<T>(start: () => T): T {
  if (process.env.GOGC !== undefined) return start()
  process.env.GOGC = '200'
  try {
    return start()
  } finally {
    delete process.env.GOGC
  }
}

/**
 * Throws where too few files are left to start esbuild: it hears no error of its process then, which ends this one, and to Node
 * a package that it cannot read is not installed, now and later.
 */
function checkFilesAreLeft(): void {
  const files: number[] = []
  try {
    while (files.length < FILES_TO_START) files.push(openSync(devNull, 'r'))
  } finally {
    for (const file of files) closeSync(file)
  }
}

async function importEsbuild(): Promise<typeof import('esbuild')> {
  checkFilesAreLeft()
  try {
    return await import('esbuild')
  } catch (cause) {
    throw new TetherError(
      'MISSING_DEPENDENCY',
      'TypeScript and bundled sources need esbuild, which is not installed. Run: npm install --save-dev esbuild',
      { cause },
    )
  }
}
