import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/** A module that names this variable asks for a real server, and fails without one where it is 1. */
const MARK = 'REQUIRE_REAL_SERVERS'

/**
 * The test files that use a real server: those that name {@link MARK}, or import a module that does.
 * @param root the repository's root
 * @returns paths from the root
 */
export function serverTests(root: string): string[] {
  const known = new Map<string, boolean>()
  const asks = (file: string): boolean => {
    const seen = known.get(file)
    if (seen !== undefined) return seen
    // A circle of imports ends here.
    known.set(file, false)
    const text = readFileSync(file, 'utf8')
    const found = text.includes(MARK) || testImports(file, text).some(asks)
    known.set(file, found)
    return found
  }
  const folder = join(root, 'test')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .filter(asks)
    .map((file) => relative(root, file))
    .sort()
}

function testImports(file: string, text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)\.js'/g)]
    .map(([, specifier]) => `${join(dirname(file), specifier!)}.ts`)
    .filter((path) => path.includes('/test/') && existsSync(path))
}
