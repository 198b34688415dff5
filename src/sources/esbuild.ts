import { statSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuildContext, BuildOptions, BuildResult } from 'esbuild'
import { type Clock, systemClock } from '../core/clock.js'
import { TetherError } from '../core/errors.js'
import type { FunctionBuild, FunctionSource } from '../core/function-source.js'
import { BuildFolder } from './build-folder.js'
import { buildFailed, type EsbuildError, foldersToWatch } from './esbuild-failure.js'
import { nodeModuleOptions } from './esbuild-node.js'
import { FileWatch } from './file-watch.js'
import { parseTarget } from './target.js'

/** What of esbuild's own options a source takes, as they are. */
type PassedOn = Pick<
  BuildOptions,
  | 'alias'
  | 'conditions'
  | 'define'
  | 'external'
  | 'inject'
  | 'jsx'
  | 'jsxFactory'
  | 'jsxFragment'
  | 'jsxImportSource'
  | 'loader'
  | 'mainFields'
  | 'plugins'
  | 'resolveExtensions'
  | 'target'
  | 'tsconfig'
  | 'tsconfigRaw'
>

export interface EsbuildSourceOptions extends PassedOn {
  /** The module with the handler: a path, relative to `cwd`, or a `file:` URL. */
  entry: string | URL
  /** @default `handler` */
  exportName?: string
  /**
   * Whether what is imported by a package's name stays an import, or becomes part of the build.
   * @default `external`: a rebuild takes milliseconds
   */
  packages?: 'external' | 'bundle'
  /** Where relative paths start. @default the working directory */
  cwd?: string
  /** @default the machine's clock */
  clock?: Clock
}

/** A change so shortly before a build may carry an earlier time: file systems stamp with coarse ticks. */
const COARSE_MS = 20

/**
 * A TypeScript or JavaScript module, built by esbuild (an optional peer dependency) together with the modules
 * that it imports by path, again after a save of any of them. Stack traces name the sources' files and lines.
 *
 * The build is an ES module in which `require`, `__dirname`, `__filename` and `import.meta.url` are those of
 * the entry.
 * @param target `./src/api.ts#handler`, or options
 * @throws TetherError `INVALID_OPTION`; from `load`: `MISSING_DEPENDENCY`, `BUILD_FAILED`, `CLOSED`
 */
export function esbuild(target: string | EsbuildSourceOptions): FunctionSource {
  return new EsbuildSource(typeof target === 'string' ? optionsOf(target) : target)
}

function optionsOf(target: string): EsbuildSourceOptions {
  const { path, exportName } = parseTarget(target)
  return { entry: path, exportName }
}

class EsbuildSource implements FunctionSource {
  readonly #entry: string
  readonly #exportName: string
  readonly #cwd: string
  readonly #clock: Clock
  readonly #passedOn: PassedOn & { packages?: 'external' | 'bundle' }
  readonly #watch: FileWatch
  #context: BuildContext | undefined
  #folder: BuildFolder | undefined
  /** What the last good build read. */
  #inputs: readonly string[]
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: EsbuildSourceOptions) {
    const { entry, exportName = 'handler', cwd = process.cwd(), clock = systemClock, ...passedOn } = options
    if (!(entry instanceof URL) && (typeof entry !== 'string' || entry === '')) {
      throw new TetherError('INVALID_OPTION', "'entry' must be the path of a module, such as './src/api.ts'.")
    }
    this.#entry = entry instanceof URL ? fileURLToPath(entry) : resolve(cwd, entry)
    this.#exportName = exportName
    this.#cwd = resolve(cwd)
    this.#clock = clock
    this.#passedOn = passedOn
    this.#watch = new FileWatch(clock)
    this.#inputs = [this.#entry]
    this.#watch.follow(this.#inputs)
  }

  /** One build at a time: a load that is asked for during another sees what changed since. */
  load(): Promise<FunctionBuild> {
    const build = this.#last.then(() => this.#load())
    this.#last = build.catch(() => {})
    return build
  }

  watch(listener: () => void): Disposable {
    return this.#watch.subscribe(listener)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#watch.close()
    await this.#last
    await this.#context?.dispose()
    await this.#folder?.remove()
  }

  async #load(): Promise<FunctionBuild> {
    if (this.#closed) throw new TetherError('CLOSED', `The source of ${this.#entry} is closed.`)
    this.#folder ??= await BuildFolder.open(this.#entry, this.#clock)
    this.#context ??= await this.#createContext(this.#folder)
    let result = await this.#build(this.#context)
    // What is watched from now on may have changed since it was read: read it once more.
    if (result.unseen) result = await this.#build(this.#context)
    const files = (result.outputFiles ?? []).map((file) => ({
      name: basename(file.path),
      contents: file.contents,
    }))
    const path = await this.#folder.write(files)
    return { kind: 'file', path: join(path, this.#outputName()), exportName: this.#exportName }
  }

  async #build(context: BuildContext): Promise<BuildResult & { unseen: boolean }> {
    const startedAt = Date.now()
    try {
      const result = await context.rebuild()
      this.#inputs = Object.keys(result.metafile?.inputs ?? {}).map((input) => resolve(this.#cwd, input))
      const added = this.#watch.follow([this.#entry, ...this.#inputs])
      const unseen = added.some((file) => changedSince(file, startedAt - COARSE_MS))
      return { ...result, unseen }
    } catch (error) {
      const errors = (error as { errors?: EsbuildError[] }).errors
      if (!Array.isArray(errors)) throw error
      const failure = buildFailed(errors, this.#cwd, error)
      const { files, folders } = foldersToWatch(errors, this.#cwd)
      this.#watch.follow([this.#entry, ...this.#inputs, ...files], folders)
      throw failure
    }
  }

  async #createContext(folder: BuildFolder): Promise<BuildContext> {
    const { context } = await importEsbuild()
    const { define, packages = 'external', ...passedOn } = this.#passedOn
    const node = nodeModuleOptions(this.#entry)
    try {
      return await context({
        target: `node${process.versions.node}`,
        ...passedOn,
        ...node,
        define: { ...node.define, ...define },
        packages,
        entryPoints: [this.#entry],
        absWorkingDir: this.#cwd,
        // Versions lie as deep as this, so that the source map's relative paths hold.
        outfile: join(folder.path, 'v', this.#outputName()),
        bundle: true,
        write: false,
        metafile: true,
        sourcemap: 'linked',
        // The sources are here; reading maps is quicker without a copy of them.
        sourcesContent: false,
        logLevel: 'silent',
      })
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause)
      throw new TetherError('BUILD_FAILED', text, { cause, details: { file: this.#entry, text } })
    }
  }

  #outputName(): string {
    return `${basename(this.#entry, extname(this.#entry))}.mjs`
  }
}

async function importEsbuild(): Promise<typeof import('esbuild')> {
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

function changedSince(file: string, time: number): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= time
}
