import { statSync } from 'node:fs'
import { join } from 'node:path'
import { TetherError } from '../core/base/errors.js'
import type { Dependencies, FunctionBuild, FunctionSource } from '../core/contracts/function-source.js'
import { outOfFiles } from '../out-of-files.js'
import { type BuildImport, dependenciesOf, importing } from './build-dependencies.js'
import type { BuildFolder } from './build-folder.js'
import type { EntryBuild, EsbuildBuilder } from './esbuild-builder.js'
import { buildFailed, type EsbuildError, foldersToWatch } from './esbuild-failure.js'
import { FileWatch } from './file-watch.js'
import type { Target } from './target.js'

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
    const version = folder.write(this.#entry, built.files)
    return {
      kind: 'file',
      path: join(version.path, built.files[0]!.name),
      exportName: this.#exportName,
      dependencies: this.#dependenciesOf(built.imports, folder),
      hold: () => version.hold(),
    }
  }

  async #build(): Promise<EntryBuild & { unseen: boolean }> {
    const startedAt = Date.now()
    try {
      const built = await this.#builder.build(this.#entry)
      this.#inputs = built.inputs
      const added = this.#watch.follow([this.#entry, ...this.#inputs])
      const unseen = added.some((file) => changedSince(file, startedAt - COARSE_MS))
      return { ...built, unseen }
    } catch (error) {
      const errors = (error as { errors?: EsbuildError[] }).errors
      if (!Array.isArray(errors)) throw error
      const { cwd } = this.#builder
      const failure = outOfFiles(error, 'BUILD_FAILED') ?? buildFailed(errors, cwd, error)
      const { files, folders } = foldersToWatch(errors, cwd)
      this.#watch.follow([this.#entry, ...this.#inputs, ...files], folders)
      throw failure
    }
  }

  /** Written anew only when they are others than before: most saves change none. */
  #dependenciesOf(imports: readonly BuildImport[], folder: BuildFolder): Dependencies {
    const found = dependenciesOf(imports, this.#entry)
    const fingerprints = found.map(({ fingerprint }) => fingerprint)
    if (this.#dependencies?.fingerprints.join('\n') === fingerprints.join('\n')) return this.#dependencies
    this.#dependencies = { path: folder.keep('dependencies.mjs', importing(found)), fingerprints }
    return this.#dependencies
  }
}

function changedSince(file: string, time: number): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= time
}
