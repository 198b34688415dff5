import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { OnLoadResult, OnResolveResult, Plugin, PluginBuild } from 'esbuild'
import { findEntries, isPattern } from './entry-points.js'
import type { FileFacts } from './file-facts.js'
import { withPlaceOf } from './output.js'
import { loadsModule, type PackageImport, type Packages } from './packages.js'

/**
 * Imports and files for which esbuild asks the plugin, because its own result would not run. Each question costs time,
 * so no others are listed.
 */
export interface Special {
  /** Specifiers of imports in the code. */
  readonly names: Set<string>
  /** Absolute paths of modules in other packages that refer to their own place. */
  readonly files: Set<string>
}

/** The namespace of modules that stand in for CommonJS modules: importers see all exports, as in a bundle. */
export const REQUIRED = 'lambda-tether-require'

const MISSING_ADVICE =
  "Install it, correct the name, or leave it to the code with `external` (esbuild's option) where it may be missing."

export type Format = 'cjs' | 'esm'

export interface SpecialOptions {
  readonly special: Special
  /** Absolute paths. */
  readonly entries: readonly string[]
  readonly format: Format
  readonly packages: Packages
  readonly facts: FileFacts
}

/** Returns the plugin if there is anything to ask: even an idle plugin slows a build. */
export function specialPlugins(options: SpecialOptions): Plugin[] {
  const { special, entries } = options
  const isNeeded = special.names.size + special.files.size > 0 || entries.some(isPattern)
  return isNeeded ? [specialPlugin(options)] : []
}

function specialPlugin({ special, entries, format, packages, facts }: SpecialOptions): Plugin {
  const setup = (build: PluginBuild) => {
    findEntries(build, entries)
    build.onResolve({ filter: /.*/, namespace: REQUIRED }, ({ path }) => ({ path, external: true }))
    build.onLoad({ filter: /.*/, namespace: REQUIRED }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }))
    if (special.names.size > 0) {
      build.onResolve({ filter: exactly(special.names), namespace: 'file' }, ({ path, kind, resolveDir }) =>
        loadsModule(kind) ? answer({ specifier: path, kind, folder: resolveDir }) : undefined,
      )
    }
    if (special.files.size > 0) {
      build.onLoad(
        { filter: exactly(special.files), namespace: 'file' },
        ({ path }): OnLoadResult => ({
          contents: withPlaceOf(path, facts.textOf(path)),
          loader: 'default',
          resolveDir: dirname(path),
        }),
      )
    }
  }

  async function answer(wanted: PackageImport): Promise<OnResolveResult | undefined> {
    if (isNative(wanted.specifier))
      return loaded(resolve(wanted.folder, wanted.specifier), wanted.kind, false)
    const found = await packages.find(wanted)
    if (found.kind === 'external') return undefined
    if (found.kind === 'installed') return loaded(found.path, wanted.kind, found.isModule)
    if (found.kind === 'source') return { path: found.path, sideEffects: found.sideEffects }
    // Code at run time may handle the absence.
    if (wanted.kind !== 'import-statement') return { path: wanted.specifier, external: true }
    return { errors: [{ text: `Could not resolve "${wanted.specifier}". ${MISSING_ADVICE}` }] }
  }

  function loaded(path: string, kind: PackageImport['kind'], isModule: boolean): OnResolveResult {
    if (kind === 'require-call') return { path, external: true }
    if (format === 'cjs' && kind === 'import-statement') return { path, external: true }
    return isModule ? { path: pathToFileURL(path).href, external: true } : { path, namespace: REQUIRED }
  }

  return { name: 'lambda-tether', setup }
}

/** Whether a specifier is the path of a native module. */
export function isNative(specifier: string): boolean {
  return /^[./].*\.node$/.test(specifier)
}

function exactly(texts: Iterable<string>): RegExp {
  return new RegExp(`^(?:${[...texts].map(literally).join('|')})$`)
}

// The escapes are also valid in Go's regular expressions, which esbuild uses.
function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
