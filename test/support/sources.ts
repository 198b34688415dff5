import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../src', import.meta.url))

/** Every source file's text, by its path from the repository's root. */
export function readSources(): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return new Map(
    paths
      .filter((path) => /\.tsx?$/.test(path))
      .map((path) => [`src/${path.replaceAll('\\', '/')}`, readFileSync(join(folder, path), 'utf8')]),
  )
}
