import { isBuiltin } from 'node:module'
import { dirname, isAbsolute, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Metafile } from 'esbuild'
import type { FileFacts } from './file-facts.js'
import { type Format, REQUIRED } from './special.js'

/** A module of a package, with a fingerprint that changes with its version. */
export interface Dependency {
  /** The absolute path. */
  readonly path: string
  readonly fingerprint: string
}

export interface DependencyOptions {
  readonly metafile: Metafile
  readonly entryPoint: string
  /** Imports that run when the build is evaluated, as named in the metafile. */
  readonly imported: ReadonlySet<string>
  /** The paths of packages, by their specifiers in the code. */
  readonly packages: ReadonlyMap<string, string>
  readonly cwd: string
  readonly facts: FileFacts
  fingerprintOf(folder: string, path: string): string
}

/** Matches code that prepares state for modules loaded after it. A guess, based on the text. */
const SETS_UP =
  /\bprocess\.env(?:\.\w+|\[[^\]]*\])\s*(?:\?\?|\|\|)?=(?!=)|\bassign\(process\.env|\bglobal(?:This)?(?:\.\w+|\[[^\]]*\])\s*(?:\?\?|\|\|)?=(?!=)|\.prototype\.\w+\s*=(?!=)|\bdotenv\b|\.register\(/

/**
 * Returns the package modules that a worker can load ahead of a build without visible effect, in the build's order. The
 * list ends after the first module of the project's own that is imported only for its side effects, or that seems to
 * prepare state: later modules may read it.
 */
export function dependenciesOf(options: DependencyOptions): Dependency[] {
  const { metafile, imported, cwd, facts } = options
  const found = new Map<string, Dependency>()
  const visited = new Set<string>()
  visit(options.entryPoint)
  return [...found.values()]

  /** Returns false if the walk ends here. */
  function visit(input: string): boolean {
    visited.add(input)
    const importer = resolve(cwd, input)
    for (const { path, kind, external, original } of metafile.inputs[input]?.imports ?? []) {
      // A dynamic import or a call of `require` must not run before the code around it.
      if (kind !== 'import-statement' || path === '<runtime>' || isBuiltin(path)) continue
      const installed = installedPath(path, options.packages)
      if (installed !== undefined) {
        if (external && !imported.has(path)) continue
        const fingerprint = options.fingerprintOf(dirname(importer), installed)
        if (!found.has(installed)) found.set(installed, { path: installed, fingerprint })
        continue
      }
      if (visited.has(path)) continue
      // The target of the import is unknown.
      if (external || !visit(path)) return false
      if (SETS_UP.test(facts.textOf(resolve(cwd, path)))) return false
      if (isForEffect(original ?? path, facts.textOf(importer))) return false
    }
    return true
  }
}

/**
 * Returns a module that loads the dependencies. Ignores failures: the build loads the same modules and reports them.
 */
export function loading(dependencies: readonly Dependency[], format: Format): string {
  return dependencies
    .map(({ path }) =>
      format === 'cjs'
        ? `try { require(${JSON.stringify(path)}) } catch {}\n`
        : `try { await import(${JSON.stringify(pathToFileURL(path).href)}) } catch {}\n`,
    )
    .join('')
}

function installedPath(path: string, packages: ReadonlyMap<string, string>): string | undefined {
  if (path.startsWith(`${REQUIRED}:`)) return path.slice(REQUIRED.length + 1)
  if (path.startsWith('file:')) return fileURLToPath(path)
  return packages.get(path) ?? (isAbsolute(path) ? path : undefined)
}

function isForEffect(specifier: string, importer: string): boolean {
  return [`'${specifier}'`, `"${specifier}"`].some((quoted) => {
    const at = importer.indexOf(quoted)
    return at > 0 && /\bimport\s*$/.test(importer.slice(Math.max(0, at - 20), at))
  })
}
