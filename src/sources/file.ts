import { realpathSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { systemClock } from '../core/base/clock.js'
import { defined } from '../core/base/defined.js'
import { TetherError } from '../core/base/errors.js'
import { checkPath, checkText, wholeNumber } from '../core/base/option-checks.js'
import { checkOptions } from '../core/base/options.js'
import type { FunctionBuild, FunctionSource, LoadedFiles } from '../core/contracts/function-source.js'
import { changedSince, FileWatch } from './file-watch.js'
import { importsOf } from './module-imports.js'
import { parseTarget, type Target, taskRootOf } from './target.js'

/** Options of {@link file}. */
export interface FileOptions {
  /** @default the export named in the target, else `handler` */
  exportName?: string | undefined
  /**
   * Milliseconds between checks for changes, as in `serve({ build })`.
   * @default none: the file system reports changes
   */
  polling?: number | undefined
  /**
   * The folder to use as Lambda's task root: `LAMBDA_TASK_ROOT`. A path or a `file:` URL. Python imports modules from
   * there, so it must be at or above the file.
   * @default the nearest folder with a `package.json`; for Python see docs/executors.md
   */
  taskRoot?: string | URL | undefined
}

/**
 * A JavaScript module, ESM or CommonJS, or a Python module, run as it is. Saving it, or a module of the project that it
 * imports, reloads it: Python reports its loaded files; for JavaScript, esbuild lists the imports, if it is installed.
 * @param target a path, relative to the working directory, or a `file:` URL; `path#export` also names the export
 * @throws TetherError `INVALID_OPTION`; from `load`: `BUILD_FAILED` if the file is missing
 */
export function file(target: string | URL, options: FileOptions = {}): FunctionSource {
  const parsed = parseTarget(target)
  const {
    exportName = parsed.exportName,
    taskRoot,
    polling,
  } = checkOptions('file', options, {
    exportName: checkText,
    taskRoot: checkPath,
    polling: wholeNumber(1),
  })
  const module = defined({ path: parsed.path, exportName, taskRoot: taskRootOf(taskRoot, parsed.path) })
  return new FileSource(module, new FileWatch(undefined, polling))
}

class FileSource implements FunctionSource {
  readonly #path: string
  readonly #target: Target
  readonly #watch: FileWatch
  /** Imported files of the project, without the module itself. */
  #imports: ReadonlySet<string> = new Set()
  #folders: readonly string[] = []
  #current: FunctionBuild | undefined
  /** Whether the imports belong to the current build. */
  #told = false
  #closed = false

  constructor(target: Target, watch: FileWatch) {
    this.#path = target.path
    this.#target = target
    this.#watch = watch
  }

  async load(): Promise<FunctionBuild> {
    const path = this.#path
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw missing(path)
    this.#follow()
    const python = extname(path) === '.py'
    const build: FunctionBuild = {
      kind: 'file',
      ...this.#target,
      ...(python ? { loaded: (report: LoadedFiles) => void this.#loaded(build, report) } : {}),
    }
    this.#current = build
    this.#told = false
    // Without esbuild, only saves of the file itself are seen.
    if (!python) this.#list(build, systemClock.now()).catch(() => {})
    return build
  }

  watch(listener: () => void): Disposable {
    this.#follow()
    return this.#watch.subscribe(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watch.close()
  }

  /** Lists the imports in the background. Saves before the list is ready are reported then. */
  async #list(build: FunctionBuild, since: number): Promise<void> {
    const imports = await importsOf(this.#path)
    const { files, folders } = imports
    if (this.#current === build) this.#folders = folders
    const unseen = this.#loaded(build, { files, since, failed: folders.length > 0 })
    if (!unseen.some((one) => folders.includes(one))) return
    // The missing file may have appeared after esbuild looked for it. Most changes of a folder are others.
    const now = await importsOf(this.#path)
    if (!this.#closed && this.#current === build && !isDeepStrictEqual(now, imports)) this.#watch.notify()
  }

  /** Returns the newly watched files and folders that have changed since the code was loaded. */
  #loaded(build: FunctionBuild, { files, since, failed }: LoadedFiles): readonly string[] {
    if (this.#closed || this.#current !== build) return []
    // Failed code may not get as far as the module that broke it: keep the imports of the earlier version.
    this.#imports = new Set([...(this.#told || failed ? this.#imports : []), ...files])
    this.#told ||= !failed
    try {
      const unseen = this.#follow().filter((one) => changedSince(one, since))
      if (unseen.some((one) => !this.#folders.includes(one))) this.#watch.notify()
      return unseen
    } catch {
      // There is no caller to tell: the next load throws.
      return []
    }
  }

  #follow(): string[] {
    // A save through a link changes the link's target.
    const links = [this.#path, ...this.#imports].map(realFile)
    return this.#watch.follow([this.#path, ...this.#imports, ...links], this.#folders)
  }
}

function realFile(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

function missing(path: string): TetherError {
  const text = 'There is no such file'
  return new TetherError('BUILD_FAILED', `${text}: ${path}`, { details: { file: path, text } })
}
