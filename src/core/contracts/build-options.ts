/** How esbuild treats a file, chosen by its extension. */
export type BuildLoader =
  | 'base64'
  | 'binary'
  | 'copy'
  | 'css'
  | 'dataurl'
  | 'default'
  | 'empty'
  | 'file'
  | 'global-css'
  | 'js'
  | 'json'
  | 'jsx'
  | 'local-css'
  | 'text'
  | 'ts'
  | 'tsx'

/** An esbuild plugin. */
export interface BuildPlugin {
  name: string
  /** Called by esbuild with its `PluginBuild`. */
  // biome-ignore lint/suspicious/noExplicitAny: the argument's type is esbuild's, which need not be installed.
  setup(build: any): void | Promise<void>
}

/** Options for building TypeScript. Options without a description are esbuild's own of the same name. */
export interface BuildOptions {
  /**
   * The module format of the output, regardless of the package's `type`. In `cjs` every import is resolved when it is
   * bundled, and modules are evaluated in import order. `esm` is for packages with a top-level await; a function with
   * one in its own modules is built as ESM automatically. In ESM, ES modules of packages load before everything else,
   * and `import()` of a computed path starts at the build.
   * @default cjs
   */
  format?: 'cjs' | 'esm' | undefined
  /**
   * Polls the files at this interval, in milliseconds, instead of relying on file system notifications: for network
   * mounts, and folders that a container shares with another system.
   * @default none: file system notifications
   */
  polling?: number | undefined
  /**
   * Whether installed packages are loaded from their own folders or become part of the build. A link to a folder
   * outside `node_modules`, as in a workspace, is always part of the build.
   * @default external: a rebuild takes milliseconds
   */
  packages?: 'external' | 'bundle' | undefined
  /** Whether functions and classes keep their source names where two of them collide. @default true */
  keepNames?: boolean | undefined
  alias?: Record<string, string> | undefined
  conditions?: string[] | undefined
  define?: Record<string, string> | undefined
  drop?: ('console' | 'debugger')[] | undefined
  dropLabels?: string[] | undefined
  /** Stay imports, which the code resolves at run time. */
  external?: string[] | undefined
  ignoreAnnotations?: boolean | undefined
  inject?: string[] | undefined
  jsx?: 'transform' | 'preserve' | 'automatic' | undefined
  jsxDev?: boolean | undefined
  jsxFactory?: string | undefined
  jsxFragment?: string | undefined
  jsxImportSource?: string | undefined
  jsxSideEffects?: boolean | undefined
  loader?: Record<string, BuildLoader> | undefined
  logOverride?: Record<string, 'verbose' | 'debug' | 'info' | 'warning' | 'error' | 'silent'> | undefined
  mainFields?: string[] | undefined
  nodePaths?: string[] | undefined
  plugins?: BuildPlugin[] | undefined
  pure?: string[] | undefined
  resolveExtensions?: string[] | undefined
  supported?: Record<string, boolean> | undefined
  target?: string | string[] | undefined
  treeShaking?: boolean | undefined
  tsconfig?: string | undefined
  tsconfigRaw?: string | object | undefined
}
