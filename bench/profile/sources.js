import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DIST = join(ROOT, 'dist')

/**
 * Finds the source line in this repository for a profile's place in built code: `{ file, line, text }`, with the text
 * of that line; undefined for Node's own code and for packages.
 */
export function sourceFinder() {
  const maps = new Map([...mapsOf(DIST), ...mapsOfRunFiles()])
  const texts = new Map()
  const linesOf = (path) => {
    if (!texts.has(path)) texts.set(path, existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [])
    return texts.get(path)
  }
  return ({ url, lineNumber, columnNumber }) => {
    if (url === '' || url.startsWith('node:')) return undefined
    const built = url.startsWith('file:') ? fileURLToPath(url) : url
    const { path, line } = maps.get(built)?.(lineNumber, columnNumber) ?? { path: built, line: lineNumber }
    const file = relative(ROOT, path)
    if (file.startsWith('..') || file.startsWith('node_modules')) return undefined
    return { file, line: line + 1, text: linesOf(path)[line]?.trim() ?? '' }
  }
}

// The files of dist/run are published without source maps, so they are built once more with them, elsewhere.
function mapsOfRunFiles() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-maps-'))
  try {
    const tsup = ['--config', 'tsup.run.config.ts', '--silent', '--sourcemap', '--out-dir', folder]
    execFileSync(join(ROOT, 'node_modules/.bin/tsup'), tsup, { cwd: ROOT })
    return mapsOf(folder, join(DIST, 'run'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Functions that find the original of a line and a column, by path of the built file; the built files lie in `as`. */
function mapsOf(folder, as = folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.map'))
  return names.map((name) => {
    const path = join(folder, name)
    const map = new SourceMap(JSON.parse(readFileSync(path, 'utf8')))
    const original = (line, column) => {
      const { originalSource, originalLine } = map.findEntry(line, column)
      return originalSource && { path: resolve(dirname(path), originalSource), line: originalLine }
    }
    return [join(as, name.slice(0, -'.map'.length)), original]
  })
}
