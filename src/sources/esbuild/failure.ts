import { dirname, resolve } from 'node:path'
import { TetherError } from '../../core/base/errors.js'
import type { BuildWarning } from '../../core/contracts/function-source.js'

/** The fields used of an esbuild message. */
export interface EsbuildMessage {
  readonly text: string
  readonly location: { readonly file: string; readonly line: number; readonly column: number } | null
}

/** Returns the error of a failed build: its details describe the first problem, and `errors` lists all of them. */
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
 * Returns the places where a failed build may be repaired: the files with errors, and the folders of unresolved
 * imports, where any new file may be the missing one.
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

/** Converts an esbuild message: an absolute path, and columns counted from 1, as in editors. */
export function problemOf({ text, location }: EsbuildMessage, cwd: string): BuildWarning {
  if (!location) return { text }
  return { file: resolve(cwd, location.file), line: location.line, column: location.column + 1, text }
}
