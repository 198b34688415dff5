import { statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TetherError } from '../../core/base/errors.js'
import type {
  BuildWarning,
  Dependencies,
  FunctionBuild,
  FunctionSource,
} from '../../core/contracts/function-source.js'
import { outOfFiles } from '../../out-of-files.js'
import { FileWatch } from '../file-watch.js'
import type { Target } from '../target.js'
import { type BuildConfiguration, buildConfigurationOf } from './build-configuration.js'
import type { BuildFolder } from './build-folder.js'
import type { EntryBuild, EsbuildBuilder } from './builder.js'
import { loading } from './dependencies.js'
import { buildFailed, type EsbuildMessage, foldersToWatch, problemOf } from './failure.js'

/** A change so shortly before a build may carry an earlier time: file systems stamp with coarse ticks. */
const COARSE_MS = 20

/** One function's module, built by a builder that it may share, and watched. */
export class EsbuildSource implements FunctionSource {
  readonly #entry: string
  readonly #exportName: string
  readonly #builder: EsbuildBuilder
  readonly #watch: FileWatch
  /** What the last good build read. */
  #inputs: readonly string[]
  #dependencies: Dependencies | undefined
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor({ path, exportName }: Target, builder: EsbuildBuilder) {
    this.#entry = path
    this.#exportName = exportName
    this.#builder = builder
    this.#watch = new FileWatch(builder.clock)
    this.#inputs = [path]
    this.#watch.follow(this.#inputs)
    builder.use()
  }

  /** One build at a time: a load that is asked for during another sees what changed since. */
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
    let built = await this.#build()
    // What is watched from now on may have changed since it was read: read it once more.
    if (built.unseen) built = await this.#build()
    const folder = await this.#builder.folder()
    const name = basename(this.#entry, extname(this.#entry))
    const file = built.format === 'cjs' ? `${name}.cjs` : `${name}.mjs`
    const version = folder.write(this.#entry, (path) => {
      // A path alone could have a `#` in it; a `file:` URL is none that Node takes here.
      const map = pathToFileURL(join(path, `${file}.map`)).pathname
      const code = Buffer.concat([built.code, Buffer.from(`//# sourceMappingURL=${map}\n`)])
      return [
        { name: file, contents: code },
        { name: `${file}.map`, contents: built.map },
      ]
    })
    const as = join(dirname(this.#entry), `${name}.${basename(version.path)}.lambda-tether.cjs`)
    return {
      kind: 'file',
      path: join(version.path, file),
      exportName: this.#exportName,
      ...(built.format === 'cjs' ? { as } : {}),
      dependencies: this.#dependenciesOf(built, folder),
      warnings: built.told,
      hold: () => version.hold(),
    }
  }

  async #build(): Promise<EntryBuild & { unseen: boolean; told: readonly BuildWarning[] }> {
    const startedAt = Date.now()
    try {
      const built = await this.#builder.build(this.#entry)
      this.#inputs = built.inputs
      const configuration = this.#configuration()
      const added = this.#watch.follow([...this.#inputs, ...configuration.files])
      const unseen = added.some((file) => changedSince(file, startedAt - COARSE_MS))
      return { ...built, unseen, told: this.#warningsOf(built, configuration) }
    } catch (error) {
      const errors = (error as { errors?: EsbuildMessage[] }).errors
      if (!Array.isArray(errors)) throw error
      const { cwd } = this.#builder
      const failure = outOfFiles(error, 'BUILD_FAILED') ?? buildFailed(errors, cwd, error)
      const { files, folders } = foldersToWatch(errors, cwd)
      this.#watch.follow([...this.#inputs, ...this.#configuration().files, ...files], folders)
      throw failure
    }
  }

  #configuration(): BuildConfiguration {
    const { facts, options, cwd } = this.#builder
    const tsconfig = options.tsconfig === undefined ? undefined : resolve(cwd, options.tsconfig)
    return buildConfigurationOf(this.#inputs, tsconfig, facts)
  }

  #warningsOf(built: EntryBuild, { decoratorMetadata }: BuildConfiguration): readonly BuildWarning[] {
    const { cwd, facts } = this.#builder
    const warnings = built.warnings.map((warning) => problemOf(warning, cwd))
    const decorated = () => built.inputs.find((input) => /^\s*@[\w(]/m.test(facts.textOf(input)))
    if (decoratorMetadata === undefined || Buffer.from(built.code.buffer).includes('etadata("design:'))
      return warnings
    const file = decorated()
    if (file === undefined || this.#builder.told.has(decoratorMetadata)) return warnings
    this.#builder.told.add(decoratorMetadata)
    return [...warnings, { file: decoratorMetadata, text: METADATA }]
  }

  /** Written anew only when they are others than before: most saves change none. */
  #dependenciesOf({ dependencies: found, format }: EntryBuild, folder: BuildFolder): Dependencies {
    const fingerprints = found.map(({ fingerprint }) => fingerprint)
    if (this.#dependencies?.fingerprints.join('\n') === fingerprints.join('\n')) return this.#dependencies
    const name = `dependencies.${format === 'cjs' ? 'cjs' : 'mjs'}`
    this.#dependencies = { path: folder.keep(name, loading(found, format)), fingerprints }
    return this.#dependencies
  }
}

const METADATA =
  "'emitDecoratorMetadata' has no effect: esbuild writes none, so that what reads it (dependency injection, ORMs) finds nothing. " +
  'A plugin that compiles such files with TypeScript is in docs/sources.md.'

function changedSince(file: string, time: number): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= time
}
