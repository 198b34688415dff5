import { afterAll, describe, expect, test } from 'vitest'
import { childProcesses } from '../../src/executors/child-process.js'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { FunctionSource } from '../../src/index.js'
import { sourceOf } from '../../src/sources/spec.js'
import { errorOf, handlerProject, taskFor } from './handler-project.js'

const project = await handlerProject({
  'package.json': '{ "name": "project" }',
  'src/api.ts': `
    export const routes: string[] = []
    export const handler = async () => 'built'
    export const health = async () => 'well'`,
  'src/empty.ts': 'const nothing = 1',
  'src/common.cjs': 'module.exports = { app: { handler: 5 }, other() {} }',
  'src/later.ts': `
    const name = 'not-installed'
    await import(name)
    export const handler = 1`,
})
afterAll(() => project[Symbol.asyncDispose]())

describe.each([
  ['workerThreads()', workerThreads],
  ['childProcesses()', childProcesses],
])('%s', (_, make) => {
  async function failure(target: string) {
    const source: FunctionSource = sourceOf(target, { cwd: project.folder })
    await using executor = make()
    try {
      const build = await source.load()
      return errorOf(await executor.execute(taskFor('', {}, { build })))
    } finally {
      await source.close?.()
    }
  }

  test.each([
    [
      './src/api.ts#handlr',
      "handlr of FOLDER/src/api.ts is undefined or not exported (did you mean 'handler'?); the module exports 'handler', 'health', 'routes'",
    ],
    ['./src/api.ts#routes', 'routes of FOLDER/src/api.ts is not a function but a list'],
    [
      './src/empty.ts',
      'handler of FOLDER/src/empty.ts is undefined or not exported; the module exports nothing',
    ],
    [
      './src/common.cjs#app.handler',
      'app.handler of FOLDER/src/common.cjs is not a function but a value of type number',
    ],
    [
      './src/common.cjs#app.handle',
      "app.handle of FOLDER/src/common.cjs is undefined or not exported; the module exports 'other', 'app'",
    ],
  ])('%s: the error names the file, the export and the actual value or exports', async (target, message) => {
    const errorMessage = message.replace('FOLDER', project.folder)
    expect(await failure(target)).toMatchObject({ errorType: 'Runtime.HandlerNotFound', errorMessage })
  })

  test('a missing package is reported with the file that imports it', async () => {
    const error = await failure('./src/later.ts')
    expect(error.errorType).toBe('Runtime.ImportModuleError')
    expect(error.errorMessage).toContain(`${project.folder}/src/later.ts`)
    expect(error.errorMessage).toMatch(/Cannot find package 'not-installed'/)
    expect(error.trace[0]).not.toMatch(/lambda-tether/)
  })
})
