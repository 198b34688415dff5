type Loader =
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
interface BuildPlugin {
  name: string
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
  format?: 'cjs' | 'esm'
  /**
   * Whether installed packages are loaded from where they lie, or become part of the build. What a link leads to outside of
   * `node_modules`, as in a workspace, is always part of the build.
   * @default external: a rebuild takes milliseconds
   */
  packages?: 'external' | 'bundle'
  /** Whether functions and classes keep the names that they have in the source where two are the same. @default true */
  keepNames?: boolean
  alias?: Record<string, string>
  conditions?: string[]
  define?: Record<string, string>
  drop?: ('console' | 'debugger')[]
  dropLabels?: string[]
  /** These stay imports, which the code resolves while it runs. */
  external?: string[]
  ignoreAnnotations?: boolean
  inject?: string[]
  jsx?: 'transform' | 'preserve' | 'automatic'
  jsxDev?: boolean
  jsxFactory?: string
  jsxFragment?: string
  jsxImportSource?: string
  jsxSideEffects?: boolean
  loader?: Record<string, Loader>
  logOverride?: Record<string, 'verbose' | 'debug' | 'info' | 'warning' | 'error' | 'silent'>
  mainFields?: string[]
  nodePaths?: string[]
  plugins?: BuildPlugin[]
  pure?: string[]
  resolveExtensions?: string[]
  supported?: Record<string, boolean>
  target?: string | string[]
  treeShaking?: boolean
  tsconfig?: string
  tsconfigRaw?: string | object
}
