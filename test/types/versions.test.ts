import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE_INSTALL_MS, sharedPackage } from '../support/installed-package.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'test/types/programs/handlers.ts')
// Below the work tree, so that what the declarations import is found.
mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
const folder = mkdtempSync(join(root, 'node_modules/.cache/types-'))

beforeAll(async () => {
  const dist = join(await sharedPackage(), 'dist')
  cpSync(dist, folder, {
    recursive: true,
    filter: (path) => statSync(path).isDirectory() || path.endsWith('.d.ts'),
  })
}, PACKAGE_INSTALL_MS)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the types', () => {
  // The oldest and the newest. Compilers start in seconds, and a busy machine multiplies that.
  it.each([
    ['typescript-5.2', true],
    ['typescript-7', true],
    ['typescript-7', false],
  ])('hold on %s with exactOptionalPropertyTypes %s', { timeout: 120_000 }, async (compiler, exact) => {
    const here = (path: string) => `./${relative(folder, path)}`
    const config = {
      compilerOptions: {
        ...{
          target: 'ES2022',
          lib: ['ES2023', 'ESNext.Disposable'],
          module: 'NodeNext',
          moduleResolution: 'NodeNext',
        },
        ...{
          strict: true,
          exactOptionalPropertyTypes: exact,
          skipLibCheck: true,
          noEmit: true,
          types: ['node'],
        },
        paths: {
          'lambda-tether': ['./index.d.ts'],
          'lambda-tether/executors': ['./executors/index.d.ts'],
          'lambda-tether/stub': ['./stub/index.d.ts'],
          'lambda-tether/*': ['./*.d.ts'],
        },
      },
      files: [here(program)],
    }
    const file = join(folder, `${compiler}-${exact}.json`)
    writeFileSync(file, JSON.stringify(config))
    expect(await said(compiler, file)).toBe('')
  })
})

/** What a compiler has to say of a project. */
async function said(compiler: string, project: string): Promise<string> {
  const bin = join(root, 'node_modules', compiler, 'bin/tsc')
  try {
    await promisify(execFile)(process.execPath, [bin, '--project', project, '--pretty', 'false'], {
      cwd: root,
    })
    return ''
  } catch (error) {
    return (error as { stdout?: string }).stdout || String(error)
  }
}
