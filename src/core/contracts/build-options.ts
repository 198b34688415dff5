/** What esbuild makes of a file, by its extension. */
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

/** A plugin of esbuild. */
export interface BuildPlugin {
  name: string
  /** As esbuild calls it, with its `PluginBuild`. */
  // biome-ignore lint/suspicious/noExplicitAny: what it is given is esbuild's, which need not be installed.
  setup(build: any): void | Promise<void>
}

/** How TypeScript is built. What is not described here is esbuild's own option of that name. */
export interface BuildOptions {
  /**
   * What modules are built to, whatever their package's `type` is. In CommonJS every import finds what it finds when it is bundled,
   * and modules are evaluated in the order of the imports. `esm` is for packages that await something when they are loaded; a function
   * whose own modules do is built so by itself. There, ES modules of packages are loaded before all else, and `import()` of a path
   * that is computed starts at the build.
   * @default cjs
   */
  format?: 'cjs' | 'esm' | undefined
  /**
   * Looks at the files so often, in milliseconds, and does not wait for their file system to tell: for network mounts, and
   * folders that a container shares with another system.
   * @default none: the file system tells
   */
  polling?: number | undefined
  /**
   * Whether installed packages are loaded from where they lie, or become part of the build. What a link leads to outside of
   * `node_modules`, as in a workspace, is always part of the build.
   * @default external: a rebuild takes milliseconds
   */
  packages?: 'external' | 'bundle' | undefined
  /** Whether functions and classes keep the names that they have in the source where two are the same. @default true */
  keepNames?: boolean | undefined
  alias?: Record<string, string> | undefined
  conditions?: string[] | undefined
  define?: Record<string, string> | undefined
  drop?: ('console' | 'debugger')[] | undefined
  dropLabels?: string[] | undefined
  /** These stay imports, which the code resolves while it runs. */
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
