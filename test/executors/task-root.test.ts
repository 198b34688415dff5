import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { childProcesses, workerThreads } from '../../src/executors/index.js'
import { createSession, generateKey, type LambdaContext } from '../../src/index.js'
import { esbuild, esbuildAll } from '../../src/sources/esbuild.js'
import { file } from '../../src/sources/file.js'
import { sourceOf } from '../../src/sources/spec.js'
import { createStub, stubKey } from '../../src/stub/index.js'
import { memory } from '../../src/transports/memory.js'
import { contextOf, NODE_RUNTIME, projectOfFile, resultOf, taskFor } from './handler-project.js'

const project = await projectOfFile()
const RUNTIME = 'const { LAMBDA_TASK_ROOT: root, AWS_EXECUTION_ENV: runtime } = process.env\n'
const handler = `${RUNTIME}export const handler = async () => [root, runtime, process.env.LAMBDA_TASK_ROOT === root]`
const inPackage = await project.write('shop/src/api.ts', handler)
await project.write('shop/package.json', '{}')
const alone = await project.write('alone/deep/api.mjs', handler)
const python = await project.write(
  'report/src/app.py',
  'import os\nroot = os.environ["LAMBDA_TASK_ROOT"]\n' +
    'def handler(event, context):\n    return [root, os.environ["AWS_EXECUTION_ENV"]]\n',
)
await project.write('report/pyproject.toml', '')
const at = (path: string) => join(project.folder, path)

describe.each([
  ['workerThreads()', workerThreads],
  ['childProcesses()', childProcesses],
])('%s', (_, make) => {
  test('code finds its package in LAMBDA_TASK_ROOT, already while it is loaded, and its runtime', async () => {
    await using executor = make()
    await using built = disposable(sourceOf(inPackage))
    const run = async (changes: Parameters<typeof taskFor>[2]) =>
      resultOf(await executor.execute(taskFor(alone, {}, changes)))
    expect(await run({ build: await built.load() })).toEqual([at('shop'), NODE_RUNTIME, true])
    // Without a package.json: the folder of the code. What a function has by these names is its runtime's, which does not run here.
    const env = { LAMBDA_TASK_ROOT: '/var/task', AWS_EXECUTION_ENV: 'AWS_Lambda_java21' }
    expect(await run({ functionId: 'alone', env })).toEqual([at('alone/deep'), NODE_RUNTIME, true])
    const overrides = { LAMBDA_TASK_ROOT: '/mine' }
    expect(await run({ functionId: 'host', overrides })).toEqual(['/mine', NODE_RUNTIME, true])
  })

  test('code that a worker loads which stood by has its own task root', async () => {
    await using executor = make({ spares: 1 })
    const run = async (taskRoot: string) => {
      const build = await file(alone, { taskRoot }).load()
      await executor.reload('api', build)
      return resultOf(await executor.execute(taskFor(alone, {}, { build })))
    }
    expect(await run(at('alone/deep'))).toEqual([at('alone/deep'), NODE_RUNTIME, true])
    await expect.poll(() => executor.stats?.().api?.spares, { timeout: 15_000 }).toBe(1)
    expect(await run(at('alone'))).toEqual([at('alone'), NODE_RUNTIME, true])
  })

  test.runIf(Number.parseInt(process.versions.node, 10) >= 24)('the context has the trace id', async () => {
    await using executor = make()
    const path = await project.write(
      'trace.mjs',
      'export const handler = async (event, context) => context.xRayTraceId',
    )
    const context = { ...contextOf('request-1'), traceId: 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700' }
    expect(resultOf(await executor.execute(taskFor(path, {}, { context })))).toBe(context.traceId)
  })
})

test('Python finds the root of its project, and its version', async () => {
  await using executor = childProcesses()
  const run = async (taskRoot?: string) => {
    const build = await file(python, taskRoot === undefined ? {} : { taskRoot }).load()
    return resultOf(await executor.execute(taskFor(python, {}, { build, functionId: taskRoot ?? 'python' })))
  }
  const version = expect.stringMatching(/^AWS_Lambda_python3\.\d+$/)
  expect(await run()).toEqual([at('report'), version])
  expect(await run(dirname(python))).toEqual([dirname(python), version])
})

test('the option names another folder, of every source', async () => {
  const taskRoot = at('shop/src')
  const options = { entry: inPackage, taskRoot }
  const all = esbuildAll({ api: './src/api.ts' }, { cwd: at('shop'), taskRoot: 'src' })
  const sources = [
    sourceOf('./src/api.ts', { cwd: at('shop'), taskRoot: './src' }),
    sourceOf('./src/api.ts', { cwd: at('shop'), taskRoot: pathToFileURL(taskRoot) }),
    esbuild(options),
    all.api,
    file(at('shop/src/api.mjs'), { taskRoot }),
  ]
  await project.write('shop/src/api.mjs', handler)
  for (const source of sources) {
    expect(await source.load()).toMatchObject({ taskRoot })
    await source.close?.()
  }
})

test('a served path has the option, and other targets refuse it', async () => {
  const names = { app: 'shop', stage: 'dev' }
  const [root, transport] = [generateKey(), memory()]
  const key = stubKey({ ...names, key: root, functionId: 'api' })
  await using session = createSession({ ...names, key: root, transport })
  session.serve({
    executor: workerThreads(),
    functions: { api: { target: inPackage, taskRoot: at('alone') } },
  })
  for (const target of [file(alone), async () => 'inline']) {
    expect(() => session.functions.set('api', { target, taskRoot: at('alone') })).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining("'functions.api.taskRoot'"),
      }),
    )
  }
  await session.open()
  const stub = createStub({ ...names, key, transport, functionId: 'api', env: {} })
  expect(
    await stub({}, { awsRequestId: '1', getRemainingTimeInMillis: () => 10_000 } as LambdaContext),
  ).toEqual([at('alone'), NODE_RUNTIME, true])
  await stub.close()
})

function disposable<T extends { close?(): Promise<void> }>(source: T): T & AsyncDisposable {
  return Object.assign(source, { [Symbol.asyncDispose]: async () => source.close?.() })
}
