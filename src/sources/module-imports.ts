import { realpathSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { resolve, sep } from 'node:path'
import type { Metafile } from 'esbuild'
import { entryPoint, findEntries, isPattern } from './esbuild/entry-points.js'
import { type EsbuildMessage, foldersToWatch } from './esbuild/failure.js'
import { createContext } from './esbuild/service.js'

/** The imports of a JavaScript module that its text shows. */
export interface ModuleImports {
  /** Absolute paths of the project's own files, including the module. */
  readonly files: readonly string[]
  /** Folders of unresolved imports, where any new file may be the missing one. */
  readonly folders: readonly string[]
}

/**
 * Lists a JavaScript module's imports from the project, and from packages that are links to sources. Rejects if esbuild
 * is not installed or fails to run.
 */
export async function importsOf(path: string): Promise<ModuleImports> {
  const cwd = process.cwd()
  const files = new Set<string>()
  const folders = new Set<string>()
  for (let entries = [path]; entries.length > 0; ) {
    const context = await createContext({
      entryPoints: entries.map((entry, index) => ({ in: entryPoint(entry, index), out: String(index) })),
      plugins: entries.some(isPattern)
        ? [{ name: 'lambda-tether-imports', setup: (build) => findEntries(build, entries) }]
        : [],
      absWorkingDir: cwd,
      bundle: true,
      write: false,
      metafile: true,
      outdir: cwd,
      platform: 'node',
      // Allows top-level await, and `require` too.
      format: 'esm',
      packages: 'external',
      external: ['*.node'],
      logLevel: 'silent',
    })
    for (const entry of entries) files.add(entry)
    const linked = new Set<string>()
    try {
      const { metafile = { inputs: {} } } = await context.rebuild()
      for (const input of Object.keys(metafile.inputs)) files.add(resolve(cwd, input))
      for (const source of linkedSources(metafile, cwd)) if (!files.has(source)) linked.add(source)
    } catch (error) {
      const { errors } = error as { errors?: EsbuildMessage[] }
      if (!Array.isArray(errors)) throw error
      const failed = foldersToWatch(errors, cwd)
      for (const file of failed.files) files.add(file)
      for (const folder of failed.folders) folders.add(folder)
    } finally {
      await context.dispose()
    }
    entries = [...linked]
  }
  return { files: [...files], folders: [...folders] }
}

/** Returns imported files of packages that are links to folders outside `node_modules`, as in a workspace. */
function linkedSources({ inputs }: Pick<Metafile, 'inputs'>, cwd: string): string[] {
  return Object.entries(inputs).flatMap(([input, { imports }]) => {
    const found = createRequire(resolve(cwd, input))
    return imports.flatMap(({ path, external }) => {
      if (external !== true || isBuiltin(path)) return []
      try {
        const file = realpathSync(found.resolve(path))
        return file.includes(`${sep}node_modules${sep}`) || !/\.[cm]?[jt]sx?$/.test(file) ? [] : [file]
      } catch {
        // The package is not installed, or has an export only for `import`.
        return []
      }
    })
  })
}
