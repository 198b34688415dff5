import type { BuildOptions } from 'esbuild'
import type { Clock } from '../core/clock.js'

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
