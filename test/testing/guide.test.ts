import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = await readFile(join(root, 'docs/testing.md'), 'utf8')
const examples = [...guide.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!)

/** Runs code that uses this package's sources by its public names, without any runner but Node's own. */
async function run(folder: string, code: string): Promise<string> {
  const outfile = join(folder, 'example.mjs')
  await build({
    stdin: { contents: code, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    // Otherwise the package would be found under its own name, in dist.
    alias: {
      'lambda-tether/testing': join(root, 'src/testing/index.ts'),
      'lambda-tether/transports/memory': join(root, 'src/transports/memory.ts'),
      'lambda-tether/stores/memory': join(root, 'src/stores/memory.ts'),
    },
    outfile,
  })
  const { stdout } = await promisify(execFile)(process.execPath, ['--test-reporter=tap', outfile])
  return stdout
}

describe('docs/testing.md', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lambda-tether-guide-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each(['transportConformance', 'payloadStoreConformance'])(
    'shows how to run %s, and Node’s own runner does',
    async (suite) => {
      const code = examples.find((example) => example.includes(`${suite}({`))
      const report = await run(folder, code!)
      expect(report).toMatch(/^# fail 0$/m)
      expect(Number(/^# pass (\d+)$/m.exec(report)?.[1])).toBeGreaterThan(15)
    },
  )
})
