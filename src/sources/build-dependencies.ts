import { realpathSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, sep } from 'node:path'

/** What package managers write when they have changed `node_modules`. */
const INSTALL_MARKERS = ['.package-lock.json', '.modules.yaml', '.yarn-state.yml', '.yarn-integrity']

/** An import of a build, as esbuild's metafile has it. */
export interface BuildImport {
  readonly path: string
  readonly kind: string
  readonly external?: boolean
}

/** A package's module, by the name it is imported by, and what tells it from its other versions. */
export interface Dependency {
  readonly specifier: string
  readonly fingerprint: string
}

/**
 * Those imports of a build that a worker may load ahead of it without anybody noticing, in order. They end at the first
 * that it may not: what is no installed package, or one that a link leads out of `node_modules` to, whose files change
 * without an installation.
 * @param imports in the order in which they are evaluated
 */
export function dependenciesOf(imports: readonly BuildImport[], entry: string): Dependency[] {
  const dependencies = new Map<string, Dependency>()
  for (const { path: specifier, kind, external } of imports) {
    // What is imported or required while code runs must not have run before it.
    if (kind !== 'import-statement' || external !== true || isBuiltin(specifier)) continue
    if (dependencies.has(specifier)) continue
    const fingerprint = fingerprintOf(specifier, entry)
    if (fingerprint === undefined) break
    dependencies.set(specifier, { specifier, fingerprint })
  }
  return [...dependencies.values()]
}

/** A module that imports them. */
export function importing(dependencies: readonly Dependency[]): string {
  return dependencies.map(({ specifier }) => `import ${JSON.stringify(specifier)}\n`).join('')
}

function fingerprintOf(specifier: string, entry: string): string | undefined {
  const name = /^(?:@[^/]+\/)?[^./@#][^/]*/.exec(specifier)?.[0]
  if (name === undefined) return undefined
  for (let folder = dirname(entry); ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules')
    const manifest = statSync(join(modules, name, 'package.json'), { throwIfNoEntry: false })
    if (manifest) {
      const installed = realpathSync(join(modules, name)).includes(`${sep}node_modules${sep}`)
      const facts = [specifier, modules, manifest.ino, manifest.mtimeMs, ...INSTALL_MARKERS.map(changedAt)]
      return installed ? facts.join(' ') : undefined
    }
    if (dirname(folder) === folder) return undefined
    function changedAt(marker: string): number | undefined {
      return statSync(join(modules, marker), { throwIfNoEntry: false })?.mtimeMs
    }
  }
}
