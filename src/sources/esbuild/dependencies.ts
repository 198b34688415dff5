import { isBuiltin } from 'node:module'
import { dirname, isAbsolute, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Metafile } from 'esbuild'
import type { FileFacts } from './file-facts.js'
import { type Format, REQUIRED } from './special.js'

/** A package's module, and what tells it from its other versions. */
export interface Dependency {
  /** Absolute. */
  readonly path: string
  readonly fingerprint: string
}

export interface DependencyOptions {
  readonly metafile: Metafile
  readonly entryPoint: string
  /** What is imported where the build is evaluated, as the metafile names it. */
  readonly imported: ReadonlySet<string>
  /** Where packages lie, by the names that are left in the code. */
  readonly packages: ReadonlyMap<string, string>
  readonly cwd: string
  readonly facts: FileFacts
  fingerprintOf(folder: string, path: string): string
}

/** Code that prepares what others read when they are loaded: a guess by its text. */
const SETS_UP =
  /\bprocess\.env(?:\.\w+|\[[^\]]*\])\s*(?:\?\?|\|\|)?=(?!=)|\bassign\(process\.env|\bglobal(?:This)?(?:\.\w+|\[[^\]]*\])\s*(?:\?\?|\|\|)?=(?!=)|\.prototype\.\w+\s*=(?!=)|\bdotenv\b|\.register\(/

/**
 * The modules of packages that a worker may load ahead of a build without anybody noticing, in the order in which the build
 * loads them. They end behind the first module of one's own that is imported for its effect alone, or whose text prepares
 * something: what follows may read it.
 */
export function dependenciesOf(options: DependencyOptions): Dependency[] {
  const { metafile, imported, cwd, facts } = options
  const found = new Map<string, Dependency>()
  const visited = new Set<string>()
  visit(options.entryPoint)
  return [...found.values()]

  /** False where the walk ends. */
  function visit(input: string): boolean {
    visited.add(input)
    const importer = resolve(cwd, input)
    for (const { path, kind, external, original } of metafile.inputs[input]?.imports ?? []) {
      // What is imported or required while code runs must not have run before it.
      if (kind !== 'import-statement' || path === '<runtime>' || isBuiltin(path)) continue
      const installed = installedPath(path, options.packages)
      if (installed !== undefined) {
        if (external && !imported.has(path)) continue
        const fingerprint = options.fingerprintOf(dirname(importer), installed)
        if (!found.has(installed)) found.set(installed, { path: installed, fingerprint })
        continue
      }
      if (visited.has(path)) continue
      // Nobody knows where it leads.
      if (external || !visit(path)) return false
      if (SETS_UP.test(facts.textOf(resolve(cwd, path)))) return false
      if (isForEffect(original ?? path, facts.textOf(importer))) return false
    }
    return true
  }
}

/** A module that loads them. What fails is told by the build, which loads the same. */
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
