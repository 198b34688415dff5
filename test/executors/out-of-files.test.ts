import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import { outOfFiles } from '../../src/out-of-files.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
// Below the package's root, from where run files are found.
await mkdir(join(root, '.tmp'), { recursive: true })
const folder = await mkdtemp(join(root, '.tmp', 'out-of-files-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const MESSAGE =
  /^Files ran out: (?:all|\d+ of the) 100 that this process may have open are \(EMFILE\)\. Start it with a higher limit \(`ulimit -n 65536`\), or let fewer workers live \(maxWorkers\)\.$/

/**
 * Runs a program that may have 100 files open, and takes all but `left`. It prints what `attempt()` gives before that,
 * meanwhile, and after it has given them back.
 */
async function starved(name: string, left: number, contents: string): Promise<unknown[]> {
  const outfile = join(folder, `${name}.mjs`)
  const stdin = {
    contents: `
      import { closeSync, openSync, writeFileSync } from 'node:fs'
      ${contents}
      const [, , folder] = process.argv
      writeFileSync(folder + '/handler.mjs', 'export const handler = async () => "ran"')
      const task = (environmentId) => ({
        functionId: 'api', environmentId, build: { kind: 'file', path: folder + '/handler.mjs', exportName: 'handler' },
        event: Buffer.from('{}'), env: {}, deadline: Date.now() + 60_000, onLog() {},
        context: { awsRequestId: 'r', functionName: 'f', functionVersion: '1', invokedFunctionArn: 'a',
          memoryLimitInMB: '128', logGroupName: 'g', logStreamName: 's' },
      })
      const print = async (name) => console.log(JSON.stringify(await attempt(task(name))))
      await print('before')
      const files = []
      try { for (;;) files.push(openSync('/dev/null')) } catch {}
      for (const file of files.splice(files.length - ${left})) closeSync(file)
      await print('meanwhile')
      for (const file of files) closeSync(file)
      await print('afterwards')
      await close()`,
    resolveDir: root,
  }
  await build({ stdin, bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile })
  const words = ['-c', 'ulimit -n 100 && exec "$0" "$@"', process.execPath, outfile, folder]
  const { stdout } = await promisify(execFile)('sh', words)
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

const EXECUTOR = (name: string, module: string) => `
  import { ${name} } from './src/executors/${module}.ts'
  const executor = ${name}({ spares: 0 })
  const attempt = async (task) => {
    const outcome = await executor.execute(task)
    return outcome.kind === 'value' ? String(Buffer.from(outcome.body)) : outcome.error
  }
  const close = () => executor.close()`

test.each([
  // Enough for its Runtime API, too few for its pipes.
  ['childProcesses', 'child-process', 4],
  ['workerThreads', 'worker-thread', 1],
])('%s() reports that files ran out, and continues when there are some', async (name, module, left) => {
  const ran = JSON.stringify('ran')
  expect(await starved(name, left, EXECUTOR(name, module))).toEqual([
    ran,
    expect.objectContaining({
      errorType: 'LambdaTether.EXECUTION_FAILED',
      errorMessage: expect.stringMatching(MESSAGE),
    }),
    ran,
  ])
})

test.each([0, 2, 6])(
  'a build reports it with %i files left, and continues when there are some',
  async (left) => {
    const contents = `
    import { esbuild } from './src/sources/esbuild.ts'
    const attempt = async (task) => {
      if (task.environmentId === 'before') return 'nothing built'
      const source = esbuild(folder + '/handler.mjs')
      return source.load().then(() => 'built', ({ code, message, details }) => ({ code, message, details }))
        .finally(() => source.close())
    }
    const close = () => process.exit()`
    expect(await starved(`build-${left}`, left, contents)).toEqual([
      'nothing built',
      {
        code: 'BUILD_FAILED',
        message: expect.stringMatching(MESSAGE),
        details: expect.objectContaining({ reason: 'EMFILE', limit: 100 }),
      },
      'built',
    ])
  },
)

test('a whole machine without files has other numbers and other advice', () => {
  const error = Object.assign(new Error('ENFILE: file table overflow'), { code: 'ENFILE' })
  const told = outOfFiles(error, 'BUILD_FAILED')
  expect(told).toMatchObject({ code: 'BUILD_FAILED', cause: error, details: { reason: 'ENFILE' } })
  expect(told?.message).toMatch(
    /^Files ran out: (?:[\d,]+ of the [\d,]+|all files) that this machine may have open are \(ENFILE\)\. End other programs, /,
  )
})

test('an unrelated failure is not reported as a lack of files', () => {
  expect(outOfFiles(new Error('spawn ENOENT'), 'BUILD_FAILED')).toBeUndefined()
  expect(outOfFiles(undefined, 'BUILD_FAILED')).toBeUndefined()
  expect(outOfFiles(new TetherError('CLOSED', 'EMFILE'), 'BUILD_FAILED')).toBeUndefined()
})
