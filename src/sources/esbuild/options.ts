import type { Clock } from '../../core/base/clock.js'
import {
  checkClock,
  checkFlag,
  checkPath,
  checkText,
  listOf,
  oneOf,
  recordOf,
  wholeNumber,
  withMethods,
} from '../../core/base/option-checks.js'
import { type Checks, isObject } from '../../core/base/options.js'
import type { BuildOptions } from '../../core/contracts/build-options.js'

/** Options for building modules. */
export interface EsbuildOptions extends BuildOptions {
  /** The base of relative paths. @default the working directory */
  cwd?: string | undefined
  /**
   * The folder to use as Lambda's task root: `LAMBDA_TASK_ROOT`. A path, relative to `cwd`, or a `file:` URL.
   * @default the nearest folder with a `package.json`
   */
  taskRoot?: string | URL | undefined
  /** @default the system clock */
  clock?: Clock | undefined
}

/** Options of one function's source. */
export interface EsbuildSourceOptions extends EsbuildOptions {
  /** The module with the handler: a path, relative to `cwd`, or a `file:` URL. */
  entry: string | URL
  /** @default `handler` */
  exportName?: string | undefined
}

const texts = listOf('a list of texts', checkText)
const textsByName = recordOf('an object of texts by name', checkText)

/** A check for each of {@link BuildOptions}. */
export const buildChecks: Checks<BuildOptions> = {
  format: oneOf('cjs', 'esm'),
  packages: oneOf('external', 'bundle'),
  keepNames: checkFlag,
  polling: wholeNumber(1),
  alias: textsByName,
  conditions: texts,
  define: textsByName,
  drop: listOf("a list of 'console', 'debugger'", oneOf('console', 'debugger')),
  dropLabels: texts,
  external: texts,
  ignoreAnnotations: checkFlag,
  inject: texts,
  jsx: oneOf('transform', 'preserve', 'automatic'),
  jsxDev: checkFlag,
  jsxFactory: checkText,
  jsxFragment: checkText,
  jsxImportSource: checkText,
  jsxSideEffects: checkFlag,
  loader: textsByName,
  logOverride: textsByName,
  mainFields: texts,
  nodePaths: texts,
  plugins: listOf('a list of plugins', withMethods('a plugin: { name, setup }', 'setup')),
  pure: texts,
  resolveExtensions: texts,
  supported: recordOf('an object of true or false by name', checkFlag),
  target: (name, value) => (Array.isArray(value) ? texts : checkText)(name, value),
  treeShaking: checkFlag,
  tsconfig: checkText,
  tsconfigRaw: (name, value) => isObject(value) || checkText(name, value),
}

/** A check for each of {@link EsbuildOptions}. */
export const esbuildChecks: Checks<EsbuildOptions> = {
  ...buildChecks,
  cwd: checkText,
  taskRoot: checkPath,
  clock: checkClock,
}
