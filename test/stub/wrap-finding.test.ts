import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLocalCloud, type LocalCloud } from '../../src/local/index.js'
import { runFile } from '../../src/run-files.js'
import { lacksRuntimeClient, NEEDS_RUNTIME_CLIENT, runtimeClientFolder } from './runtime-client.js'
import { folderOf, outcome, takesCallbacks as requires } from './wrapped-function.js'

const cjs = (answer: string) => `exports.handler = async () => '${answer}'`
const esm = (answer: string) => `export const handler = async () => '${answer}'`

/** A function that has its handler in every place. */
const FILES = {
  plain: cjs('as it is'),
  'plain.js': cjs('js'),
  'folder/index.js': cjs('the folder'),
  'named/package.json': '{"main":"main.js"}',
  'named/main.js': cjs('the package'),
  'beside/index.js': cjs('the folder'),
  'beside.js': cjs('js'),
  falsy: 'module.exports = 0',
  'falsy.js': cjs('js'),
  'order.mjs': esm('mjs'),
  'order.cjs': cjs('cjs'),
  'types/package.json': '{"type":"module"}',
  'types/index.js': esm('a module by its package.json'),
  'default.mjs': `export default { handler: async () => 'by default' }`,
  'inside.js': `exports.outer = Object.assign(() => {}, { handler: async () => 'inside a function' })`,
  'node_modules/dependency/index.js': cjs('a dependency'),
  'missing.mjs': `import './nowhere.mjs'\n${esm('missing')}`,
  'missing.cjs': `require('./nowhere.cjs')`,
  'syntax.js': 'exports.handler = {',
}

// What each answers, or the name of its error: up to nodejs22.x, and from nodejs24.x on.
const HANDLERS: [handler: string, byRequire: string, byImport: string][] = [
  ['plain.handler', 'as it is', 'as it is'],
  ['folder.handler', 'the folder', 'Error'],
  ['named.handler', 'the package', 'Error'],
  ['beside.handler', 'js', 'Error'],
  ['falsy.handler', 'js', 'Runtime.HandlerNotFound'],
  ['order.handler', 'mjs', 'mjs'],
  ['types/index.handler', 'a module by its package.json', 'a module by its package.json'],
  ['default.handler', 'Runtime.HandlerNotFound', 'by default'],
  ['inside.outer.handler', 'inside a function', 'Runtime.HandlerNotFound'],
  ['dependency.handler', 'a dependency', 'a dependency'],
  ['missing.handler', 'Error', 'Error'],
  ['syntax.handler', 'Runtime.UserCodeSyntaxError', 'Runtime.UserCodeSyntaxError'],
  ['nowhere.handler', 'Runtime.ImportModuleError', 'Runtime.ImportModuleError'],
]
const expected = Object.fromEntries(HANDLERS.map(([name, ...of]) => [name, of[requires ? 0 : 1]]))

it('a wrapped function finds its handler where the runtime of this Node release does', async () => {
  // Without a configuration the wrapped handler is the function's own.
  const program = `
    const answers = {}
    for (const name of ${JSON.stringify(Object.keys(expected))}) {
      process.env.LAMBDA_TETHER_HANDLER = name
      try {
        const { handler } = await import('${runFile('wrapped')}?' + name)
        answers[name] = await handler()
      } catch (error) {
        answers[name] = error.name
      }
    }
    console.log(JSON.stringify(answers))`
  const env = { PATH: process.env.PATH, LAMBDA_TASK_ROOT: await folderOf(FILES) }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    env,
  })
  expect(JSON.parse(stdout)).toEqual(expected)
})

describe.skipIf(lacksRuntimeClient)(`AWS's own runtime client, with ${NEEDS_RUNTIME_CLIENT}`, () => {
  let cloud: LocalCloud
  beforeAll(async () => {
    cloud = createLocalCloud()
    await cloud.open()
  })
  afterAll(() => cloud.close())

  it('finds a handler in the same places', async () => {
    const wrapper = join(await runtimeClientFolder(), 'ric.sh')
    const bundle = await folderOf(FILES)
    const told = await Promise.all(
      HANDLERS.map(async ([handler], index) => {
        const environment = { AWS_LAMBDA_EXEC_WRAPPER: wrapper }
        const fn = cloud.function({ name: `fn-${index}`, bundle, handler, environment, timeoutMs: 30_000 })
        const { answer } = await outcome(fn)
        return [handler, answer.errorType ?? answer]
      }),
    )
    expect(Object.fromEntries(told)).toEqual(expected)
  })
})
