import type { Handler } from './handler.js'

/** Modules of packages that a build loads first, in the order in which it loads them. */
export interface Dependencies {
  /** A module that only loads them, so that a worker can have them before there is a build. Absolute. */
  readonly path: string
  /**
   * One for each, distinguishing it from its other versions. A worker that has loaded an extra one is not used for a
   * build.
   */
  readonly fingerprints: readonly string[]
}

/** A warning of a build that succeeded. */
export interface BuildWarning {
  /** Absolute. */
  readonly file?: string | undefined
  /** Counted from 1, as in editors. */
  readonly line?: number | undefined
  readonly column?: number | undefined
  readonly text: string
}

/** The files of a build that a worker has loaded. */
export interface LoadedFiles {
  /** The project's own files, absolute. After a failed load, also the missing files that may be the reason. */
  readonly files: readonly string[]
  /** Unix milliseconds: no file was read before this time. */
  readonly since: number
  /** Whether the code could not be loaded. */
  readonly failed: boolean
}

/** Local code, ready to run. */
export type FunctionBuild = (
  | {
      /** A module on disk and the name of its export. */
      readonly kind: 'file'
      /** Absolute; the extension determines the language. */
      readonly path: string
      readonly exportName: string
      /** The module's source file, for messages. Absolute. @default `path` */
      readonly entry?: string | undefined
      /**
       * Runs a CommonJS module as if it lay at this path, where no file need exist: at run time it resolves modules and
       * files from there.
       * @default its real path
       */
      readonly as?: string | undefined
      /**
       * The folder that is the task root on Lambda: `LAMBDA_TASK_ROOT`. Absolute.
       * @default searched for, see docs/local-code.md
       */
      readonly taskRoot?: string | undefined
      /** @default unknown: nothing is loaded ahead of the build */
      readonly dependencies?: Dependencies | undefined
    }
  /**
   * A program that speaks the Lambda Runtime API, like a custom runtime's `bootstrap`; runs in a process of its own.
   * `cwd` is absolute and becomes the task root, `handler` becomes `_HANDLER`.
   */
  | {
      readonly kind: 'command'
      readonly command: readonly string[]
      readonly cwd: string
      readonly handler: string
      /** Whether it accepts a path in `AWS_LAMBDA_RUNTIME_API`. The path is then unguessable. @default false */
      readonly secretPath?: boolean | undefined
    }
  /** For hosts with their own module graph; runs in the inline executor only. */
  | {
      readonly kind: 'module'
      /** Called once for each version. */
      load(): Promise<Handler>
    }
) & {
  /** @default none */
  readonly warnings?: readonly BuildWarning[] | undefined
  /**
   * Keeps the build's files until the returned object is disposed of, even when there is a newer build. The session
   * holds a build while it is current and while an invocation runs on it; an executor holds it while a worker may read
   * from it.
   * @default the files stay
   */
  hold?(): Disposable
  /**
   * Called by an executor that can list the files loaded by the code, such as Python's: after loading, and again when
   * more files were loaded.
   */
  loaded?(report: LoadedFiles): void
}

/** The source of a function's local code. */
export interface FunctionSource {
  /**
   * The current build. Called once before the first invocation and once after each change.
   * @throws TetherError `BUILD_FAILED` with `details: { file, line, column, text }` where known
   */
  load(): Promise<FunctionBuild>
  /** Calls `listener` after each change to the inputs of `load`; the session then loads again. */
  watch?(listener: () => void): Disposable
  /** Frees the resources of the source (build contexts, output folders). Called when the session closes. */
  close?(): Promise<void>
}
