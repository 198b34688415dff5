import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import type { BuildContext, BuildOptions } from 'esbuild'
import { TetherError } from '../../core/base/errors.js'
import { outOfFiles } from '../../out-of-files.js'

/** What starting a process takes for a moment: three pipes of two ends each, and a few to spare. */
const FILES_TO_START = 8

/** @throws TetherError `MISSING_DEPENDENCY`, `BUILD_FAILED` where esbuild refuses the options */
export async function createContext(options: BuildOptions): Promise<BuildContext> {
  try {
    const { context, stop } = await importEsbuild()
    const create = () => startingEsbuild(() => context(options))
    return await create().catch(async (error) => {
      if (!hasEnded(error)) throw error
      // It starts no other process before it is told to forget the one that has ended.
      await stop()
      return create()
    })
  } catch (cause) {
    if (cause instanceof TetherError) throw cause
    const text = cause instanceof Error ? cause.message : String(cause)
    throw outOfFiles(cause, 'BUILD_FAILED') ?? new TetherError('BUILD_FAILED', text, { cause })
  }
}

/** The text of a `.json` in one of Yarn's archives, which esbuild can read. @throws esbuild's own failure */
export async function readArchived(path: string): Promise<string> {
  const { build } = await importEsbuild()
  const options = { loader: { '.json': 'copy' }, outdir: 'read', write: false, logLevel: 'silent' } as const
  const { outputFiles } = await build({ ...options, entryPoints: [path] })
  return outputFiles[0]?.text ?? ''
}

/** Whether the process of esbuild has ended, of whatever: it says so in no other way. */
export function hasEnded(error: unknown): boolean {
  return error instanceof Error && /^The service (was stopped|is no longer running)/.test(error.message)
}

/**
 * Has the process of esbuild, where this is what starts it, collect its garbage half as often as Go does by itself: a
 * rebuild of 50 KB waits 2 ms less for it, of 8.
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
 * Throws where too few files are left to start esbuild: it hears no error of its process then, which ends this one, and to Node
 * a package that it cannot read is not installed, now and later.
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
