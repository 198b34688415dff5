import { basename, dirname, extname, join, resolve } from 'node:path'
import { systemClock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import type {
  BuildWarning,
  Dependencies,
  FunctionBuild,
  FunctionSource,
} from '../../core/contracts/function-source.js'
import { outOfFiles } from '../../out-of-files.js'
import { changedSince, FileWatch } from '../file-watch.js'
import type { Target } from '../target.js'
import { type BuildConfiguration, buildConfigurationOf } from './build-configuration.js'
import type { BuildFolder } from './build-folder.js'
import type { EntryBuild, EsbuildBuilder } from './builder.js'
import { loading } from './dependencies.js'
import { buildFailed, type EsbuildMessage, foldersToWatch, problemOf } from './failure.js'

interface Configured extends EntryBuild {
  readonly configuration: BuildConfiguration
}

/** The module of one function, watched, and built by a builder that functions may share. */
export class EsbuildSource implements FunctionSource {
  readonly #entry: string
  readonly #target: Target
  readonly #builder: EsbuildBuilder
  readonly #watch: FileWatch
  /** The files of the last successful build. */
  #inputs: readonly string[]
  #dependencies: Dependencies | undefined
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(target: Target, builder: EsbuildBuilder) {
    const { path } = target
    this.#entry = path
    this.#target = target
    this.#builder = builder
    this.#watch = new FileWatch(builder.clock, builder.polling)
    this.#inputs = [path]
    this.#watch.follow(this.#inputs)
    builder.use()
  }

  /** Loads one after another: a load requested during another load sees the changes since. */
  load(): Promise<FunctionBuild> {
    const build = this.#last
      .then(() => this.#load())
      .catch((error: unknown) => {
        throw outOfFiles(error, 'BUILD_FAILED') ?? error
      })
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
    await this.#builder.release()
  }

  async #load(): Promise<FunctionBuild> {
    if (this.#closed) throw new TetherError('CLOSED', `The source of ${this.#entry} is closed.`)
    const built = await this.#build()
    const folder = await this.#builder.folder()
    const name = basename(this.#entry, extname(this.#entry))
    const { format, code, map } = built
    const version = folder.write(this.#entry, {
      name: `${name}.${format === 'cjs' ? 'cjs' : 'mjs'}`,
      code,
      map,
    })
    return {
      kind: 'file',
      ...this.#target,
      path: version.path,
      entry: this.#entry,
      ...(format === 'cjs' ? { as: this.#asOf(version.path) } : {}),
      dependencies: this.#dependenciesOf(built, folder),
      // Warnings that are given once would be lost with the first of two builds: collect them here.
      warnings: this.#warningsOf(built),
      hold: () => version.hold(),
    }
  }

  /** @param again whether to build again if newly watched files or folders changed between the build and the watch */
  async #build(again = true): Promise<Configured> {
    const startedAt = systemClock.now()
    const unseen = (added: readonly string[]) => again && added.some((one) => changedSince(one, startedAt))
    try {
      const built = await this.#builder.build(this.#entry)
      this.#inputs = built.inputs
      const configuration = this.#configuration()
      const added = this.#watch.follow([...this.#inputs, ...configuration.files])
      if (!unseen(added)) return { ...built, configuration }
    } catch (error) {
      const errors = (error as { errors?: EsbuildMessage[] }).errors
      if (!Array.isArray(errors)) throw error
      const { cwd } = this.#builder
      const failure = outOfFiles(error, 'BUILD_FAILED') ?? buildFailed(errors, cwd, error)
      const { files, folders } = foldersToWatch(errors, cwd)
      const added = this.#watch.follow([...this.#inputs, ...this.#configuration().files, ...files], folders)
      if (!unseen(added)) throw failure
    }
    return this.#build(false)
  }

  /** Returns the path that a version runs as: beside its entry, under a name that no file and no other version has. */
  #asOf(path: string): string {
    return join(dirname(this.#entry), `${basename(path, '.cjs')}.lambda-tether.cjs`)
  }

  #configuration(): BuildConfiguration {
    const { facts, options, cwd } = this.#builder
    const tsconfig = options.tsconfig === undefined ? undefined : resolve(cwd, options.tsconfig)
    return buildConfigurationOf(this.#inputs, tsconfig, facts)
  }

  #warningsOf({ configuration: { decoratorMetadata: file }, ...built }: Configured): readonly BuildWarning[] {
    const { cwd, facts, told } = this.#builder
    const warnings = built.warnings.map((warning) => problemOf(warning, cwd))
    if (file === undefined || told.has(file)) return warnings
    // A plugin may write metadata, and a project that enables it may contain code without decorators.
    if (hasMetadata(built.code) || !built.inputs.some((input) => DECORATOR.test(facts.textOf(input))))
      return warnings
    told.add(file)
    return [...warnings, { file, text: METADATA }]
  }

  /** Writes the list only when the dependencies have changed: most saves change none. */
  #dependenciesOf({ dependencies: found, format }: EntryBuild, folder: BuildFolder): Dependencies {
    const fingerprints = found.map(({ fingerprint }) => fingerprint)
    if (this.#dependencies?.fingerprints.join('\n') === fingerprints.join('\n')) return this.#dependencies
    const name = `dependencies.${format === 'cjs' ? 'cjs' : 'mjs'}`
    this.#dependencies = { path: folder.keep(name, loading(found, format)), fingerprints }
    return this.#dependencies
  }
}

const DECORATOR = /(?:^|[{;(),])\s*@[A-Za-z_$(]/m
const METADATA =
  "'emitDecoratorMetadata' has no effect: esbuild writes none, so that what reads it (dependency injection, ORMs) finds nothing. " +
  'A plugin that compiles such files with TypeScript is in docs/sources.md.'

/** Whether a compiler has written metadata: TypeScript's helper is `__metadata`, SWC's is `_ts_metadata`. */
function hasMetadata(code: Uint8Array): boolean {
  return Buffer.from(code.buffer, code.byteOffset, code.byteLength).includes('_metadata("design:')
}
