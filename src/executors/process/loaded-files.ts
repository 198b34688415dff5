import { isAbsolute } from 'node:path'
import type { LoadedFiles } from '../../core/contracts/function-source.js'

/** Parses a bootstrap's report. Undefined if the body has another form: user code can post as well. */
export function readLoadedFiles(body: Uint8Array): LoadedFiles | undefined {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
  const { files, since, failed } = (value ?? {}) as Record<string, unknown>
  if (!Array.isArray(files) || typeof since !== 'number') return undefined
  const isPath = (file: unknown): file is string =>
    typeof file === 'string' && isAbsolute(file) && !file.includes('\0')
  return { files: files.filter(isPath), since, failed: failed === true }
}
