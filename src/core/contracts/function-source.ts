import type { Handler } from './handler.js'

/** Modules of packages that a build loads before anything that could tell, in the order in which it does. */
export interface Dependencies {
  /** A module that loads them and does nothing else, so that a worker can have them before there is a build. Absolute. */
  readonly path: string
  /** One for each, telling it from its other versions. A worker that has loaded one too many is not used for a build. */
  readonly fingerprints: readonly string[]
}

/** What a build has to say about code that it has built all the same. */
export interface BuildWarning {
  /** Absolute. */
  readonly file?: string | undefined
  /** Counted from 1, as editors do. */
  readonly line?: number | undefined
  readonly column?: number | undefined
  readonly text: string
}

/** What a worker has loaded of a build. */
export interface LoadedFiles {
  /** The project's own, absolute. Where the code could not be loaded, also those whose absence may be the reason. */
  readonly files: readonly string[]
  /** Unix milliseconds: none of them was read before. */
  readonly since: number
  /** Whether the code could not be loaded. */
  readonly failed: boolean
}

/** Local code, ready to run. */
export type FunctionBuild = (
  | {
      /** A module on disk and the name of its export. */
      readonly kind: 'file'
      /** Absolute; its extension tells the language. */
      readonly path: string
      readonly exportName: string
      /** The module as its author knows it, for messages. Absolute. @default `path` */
      readonly entry?: string | undefined
      /**
       * A CommonJS module that is run as if it lay at this path, where no file has to be: what it finds while it runs, it finds
       * from there.
       * @default where it lies
       */
      readonly as?: string | undefined
      /** The folder that is the task root on Lambda: `LAMBDA_TASK_ROOT`. Absolute. @default looked for, see docs/local-code.md */
      readonly taskRoot?: string | undefined
      /** @default unknown: nothing is loaded ahead of the build */
      readonly dependencies?: Dependencies | undefined
    }
  /**
   * A program that speaks the Lambda Runtime API, as a custom runtime's `bootstrap` does; runs in a process of its own.
   * `cwd` is absolute and becomes the task root, `handler` becomes `_HANDLER`.
   */
  | {
      readonly kind: 'command'
      readonly command: readonly string[]
      readonly cwd: string
      readonly handler: string
      /** Whether it takes a path in `AWS_LAMBDA_RUNTIME_API`, which then has one that nobody can guess. @default false */
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
   * Keeps the build's files until what it returns is disposed of, also when there is a newer build. The session holds a
   * build while it is current and while an invocation runs on it; an executor while a worker may read from it.
   * @default the files stay
   */
  hold?(): Disposable
  /** Called by an executor that knows what code loads by itself, as of Python: after it was loaded, and again when more was. */
  loaded?(report: LoadedFiles): void
}

/** Where a function's local code comes from. */
export interface FunctionSource {
  /**
   * The current build. Called once before the first invocation and once after each change.
   * @throws TetherError `BUILD_FAILED` with `details: { file, line, column, text }` where known
   */
  load(): Promise<FunctionBuild>
  /** Calls `listener` after each change to what `load` read; the session then loads anew. */
  watch?(listener: () => void): Disposable
  /** Frees what the source holds (build contexts, output folders). Called when the session closes. */
  close?(): Promise<void>
}
