import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileFunction } from 'node:vm'
import { build, type Plugin } from 'esbuild'
import { describe, expect, test } from 'vitest'

/**
 * A patch of a reference implementation that breaks one promise: `text`, which must occur once in the file, is replaced.
 * `because` is how the test must fail, so that no other failure counts.
 */
export type Mutant = readonly [file: string, text: string, replacement: string, because?: RegExp]

/** The mutants of a suite: by the test that must fail, and by the defect. */
export type Mutants = Readonly<Record<string, Readonly<Record<string, Mutant>>>>

/** A suite's tests by name, not run. */
export type SuiteTests = Map<string, () => Promise<void>>

/** @default of `because`: not a `TypeError` or a `ReferenceError`, as of a patch that breaks the module */
const FAILURE = /^(AssertionError \[ERR_ASSERTION\]|TetherError|Error): /

const root = fileURLToPath(new URL('../..', import.meta.url))
const require = createRequire(import.meta.url)

/**
 * Tests a conformance suite: each of its tests must have a mutant, and fail for it.
 * @param testsOf the suite's tests of the reference implementation with this mutant
 */
export function testSuite(
  suite: string,
  mutants: Mutants,
  testsOf: (mutant: Mutant) => Promise<SuiteTests>,
): void {
  const cases = Object.entries(mutants).flatMap(([name, rows]) =>
    Object.entries(rows).map(([defect, mutant]) => [name, defect, mutant] as const),
  )
  describe.concurrent(suite, () => {
    test.each(cases)('%s: fails if it %s', async (name, _defect, mutant) => {
      const [, , , because = FAILURE] = mutant
      const run = (await testsOf(mutant)).get(name)
      expect(run, 'no such test').toBeDefined()
      const failure = await run?.().then(() => 'It passed.', String)
      expect(failure).toMatch(because)
    })

    test('has a mutant for each test', async () => {
      const [first] = cases
      expect(Object.keys(mutants)).toEqual([...(await testsOf(first![2])).keys()])
    })
  })
}

/** The exports of a module of this repository, with a mutant of it or of what it imports. */
export async function patched<T>(entry: string, mutant?: Mutant): Promise<T> {
  const module = { exports: {} }
  const code = await bundled('cjs', entry, mutant)
  compileFunction(code, ['require', 'module', 'exports'])(require, module, module.exports)
  return module.exports as T
}

/** The text of {@link patched}, in one file. */
export async function bundled(format: 'cjs' | 'esm', entry: string, mutant?: Mutant): Promise<string> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node20',
    format,
    packages: 'external',
    define: format === 'cjs' ? { 'import.meta.url': JSON.stringify(import.meta.url) } : {},
    plugins: mutant ? [await patching(mutant)] : [],
  })
  if (mutant && !(mutant[0] in metafile.inputs)) {
    throw new Error(`A mutant's file is not imported by ${entry}: ${mutant[0]}`)
  }
  return outputFiles[0]!.text
}

async function patching([file, text, replacement]: Mutant): Promise<Plugin> {
  const parts = (await readFile(join(root, file), 'utf8')).split(text)
  if (parts.length !== 2) {
    throw new Error(`A mutant's text must occur once in ${file}, not ${parts.length - 1} times: ${text}`)
  }
  const contents = parts.join(replacement)
  return {
    name: 'patch',
    setup: ({ onLoad }) => onLoad({ filter: new RegExp(`/${file}$`) }, () => ({ contents, loader: 'ts' })),
  }
}
