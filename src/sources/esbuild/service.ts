import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import type { BuildContext, BuildOptions } from 'esbuild'
import { TetherError } from '../../core/base/errors.js'
import { outOfFiles } from '../../out-of-files.js'

/** File descriptors that starting a process takes for a moment: three pipes with two ends each, and a few to spare. */
const FILES_TO_START = 8

/** @throws TetherError `MISSING_DEPENDENCY`, `BUILD_FAILED` if esbuild refuses the options */
export async function createContext(options: BuildOptions): Promise<BuildContext> {
  try {
    const { context, stop } = await importEsbuild()
    const create = () => startingEsbuild(() => context(options))
    return await create().catch(async (error) => {
      if (!hasEnded(error)) throw error
      // esbuild starts a new process only after `stop()` has made it forget the ended one.
      await stop()
      return create()
    })
  } catch (cause) {
    if (cause instanceof TetherError) throw cause
    const text = cause instanceof Error ? cause.message : String(cause)
    throw outOfFiles(cause, 'BUILD_FAILED') ?? new TetherError('BUILD_FAILED', text, { cause })
  }
}

/** Reads the text of a `.json` in one of Yarn's archives, with esbuild. @throws esbuild's own failure */
export async function readArchived(path: string): Promise<string> {
  const { build } = await importEsbuild()
  const options = { loader: { '.json': 'copy' }, outdir: 'read', write: false, logLevel: 'silent' } as const
  const { outputFiles } = await build({ ...options, entryPoints: [path] })
  return outputFiles[0]?.text ?? ''
}

/** Whether esbuild's process has ended for any reason. Only the message tells. */
export function hasEnded(error: unknown): boolean {
  return error instanceof Error && /^The service (was stopped|is no longer running)/.test(error.message)
}

/**
 * Makes esbuild's process, if this call starts it, collect garbage half as often as Go's default. Saves 2 of the 8 ms
 * of a 50 KB rebuild.
 */
function startingEsbuild<T>(start: () => T): T {
  if (process.env.GOGC !== undefined) return start()
  process.env.GOGC = '200'
  try {
    return start()
  } finally {
    delete process.env.GOGC
  }
}

/**
 * Throws if too few file descriptors are left to start esbuild. Otherwise the unhandled error of its process would end
 * this process, and Node would treat a package that it cannot read as not installed, now and later.
 */
function checkFilesAreLeft(): void {
  const files: number[] = []
  try {
    while (files.length < FILES_TO_START) files.push(openSync(devNull, 'r'))
  } finally {
    for (const file of files) closeSync(file)
  }
}

async function importEsbuild(): Promise<typeof import('esbuild')> {
  checkFilesAreLeft()
  try {
    return await import('esbuild')
  } catch (cause) {
    throw new TetherError(
      'MISSING_DEPENDENCY',
      'TypeScript and bundled sources need esbuild, which is not installed. Run: npm install --save-dev esbuild',
      { cause },
    )
  }
}
