import type { BuildOptions } from 'esbuild'
import type { Clock } from '../core/base/clock.js'
import { checkClock, checkText, listOf, oneOf, recordOf, withMethods } from '../core/base/option-checks.js'
import { type Checks, isObject } from '../core/base/options.js'

/** What of esbuild's own options a source takes, as they are. */
export type PassedOn = Pick<
  BuildOptions,
  | 'alias'
  | 'conditions'
  | 'define'
  | 'external'
  | 'inject'
  | 'jsx'
  | 'jsxFactory'
  | 'jsxFragment'
  | 'jsxImportSource'
  | 'loader'
  | 'mainFields'
  | 'plugins'
  | 'resolveExtensions'
  | 'target'
  | 'tsconfig'
  | 'tsconfigRaw'
>

/** How modules are built. */
export interface EsbuildOptions extends PassedOn {
  /**
   * Whether what is imported by a package's name stays an import, or becomes part of the build.
   * @default `external`: a rebuild takes milliseconds
   */
  packages?: 'external' | 'bundle'
  /** Where relative paths start. @default the working directory */
  cwd?: string
  /** @default the machine's clock */
  clock?: Clock
}

/** The source of one function. */
export interface EsbuildSourceOptions extends EsbuildOptions {
  /** The module with the handler: a path, relative to `cwd`, or a `file:` URL. */
  entry: string | URL
  /** @default `handler` */
  exportName?: string
}

const texts = listOf('a list of texts', checkText)
const textsByName = recordOf('an object of texts by name', checkText)

/** A check for each of {@link EsbuildOptions}. */
export const esbuildChecks: Checks<EsbuildOptions> = {
  packages: oneOf('external', 'bundle'),
  cwd: checkText,
  clock: checkClock,
  alias: textsByName,
  conditions: texts,
  define: textsByName,
  external: texts,
  inject: texts,
  jsx: oneOf('transform', 'preserve', 'automatic'),
  jsxFactory: checkText,
  jsxFragment: checkText,
  jsxImportSource: checkText,
  loader: textsByName,
  mainFields: texts,
  plugins: listOf('a list of plugins', withMethods('a plugin: { name, setup }', 'setup')),
  resolveExtensions: texts,
  target: (name, value) => (Array.isArray(value) ? texts : checkText)(name, value),
  tsconfig: checkText,
  tsconfigRaw: (name, value) => isObject(value) || checkText(name, value),
}
