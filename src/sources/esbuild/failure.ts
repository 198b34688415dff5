import { dirname, resolve } from 'node:path'
import { TetherError } from '../../core/base/errors.js'
import type { BuildWarning } from '../../core/contracts/function-source.js'

/** What of esbuild's messages is used. */
export interface EsbuildMessage {
  readonly text: string
  readonly location: { readonly file: string; readonly line: number; readonly column: number } | null
}

/** The error for a build that failed: its details are the first problem's, with all of them in `errors`. */
export function buildFailed(errors: readonly EsbuildMessage[], cwd: string, cause: unknown): TetherError {
  const problems = errors.map((error) => problemOf(error, cwd))
  const [first = { text: 'The build failed.' }] = problems
  const place = first.file === undefined ? '' : `${first.file}:${first.line}:${first.column}: `
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  return new TetherError('BUILD_FAILED', `${place}${first.text}${more}`, {
    cause,
    details: { ...first, errors: problems },
  })
}

/**
 * Where a failed build may be repaired: the files with errors, and the folders in which an import was not found,
 * where anything new may be it.
 */
export function foldersToWatch(
  errors: readonly EsbuildMessage[],
  cwd: string,
): { files: string[]; folders: string[] } {
  const files: string[] = []
  const folders: string[] = []
  for (const { text, location } of errors) {
    if (!location) continue
    const file = resolve(cwd, location.file)
    files.push(file)
    const missing = /^Could not resolve "(\.{1,2}\/[^"]*)"/.exec(text)?.[1]
    if (missing !== undefined) folders.push(dirname(resolve(dirname(file), missing)))
  }
  return { files, folders }
}

/** What esbuild says, by absolute path, counted from 1 as editors do. */
export function problemOf({ text, location }: EsbuildMessage, cwd: string): BuildWarning {
  if (!location) return { text }
  return { file: resolve(cwd, location.file), line: location.line, column: location.column + 1, text }
}
