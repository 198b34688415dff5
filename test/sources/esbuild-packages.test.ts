import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build as buildWithEsbuild } from 'esbuild'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { childProcesses } from '../../src/executors/child-process.js'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Executor, FunctionSource } from '../../src/index.js'
import { placed } from '../../src/sources/esbuild/output.js'
import type { EsbuildSourceOptions } from '../../src/sources/esbuild.js'
import { esbuild } from '../../src/sources/esbuild.js'
import {
  errorOf,
  type HandlerProject,
  handlerProject,
  resultOf,
  taskFor,
} from '../executors/handler-project.js'

let project: HandlerProject
let executor: Executor
const sources: FunctionSource[] = []

beforeEach(async () => {
  project = await handlerProject({ 'package.json': '{ "name": "app" }' })
  executor = workerThreads()
})

afterEach(async () => {
  await executor.close()
  for (const source of sources.splice(0)) await source.close!()
  await project[Symbol.asyncDispose]()
})

const at = (path: string) => join(project.folder, path)

/** Writes an installed package. */
async function install(name: string, files: Record<string, string>, manifest: object = {}) {
  const about = { name, version: '1.0.0', main: 'index.js', ...manifest }
  await project.write(`node_modules/${name}/package.json`, JSON.stringify(about))
  for (const [file, text] of Object.entries(files)) await project.write(`node_modules/${name}/${file}`, text)
}

async function execute(code: string, options: Partial<EsbuildSourceOptions> & { name?: string } = {}) {
  const { name = 'api.ts', ...more } = options
  const entry = await project.write(name, code)
  const source = esbuild({ entry, ...more })
  sources.push(source)
  return executor.execute(taskFor('', {}, { build: await source.load() }))
}

const result = async (...args: Parameters<typeof execute>) => resultOf(await execute(...args))

/** An ES module's default, a CommonJS module, and one that was compiled from the other. */
async function installKinds() {
  await install('common', { 'index.js': `module.exports = { name: 'common', sign: () => 'signed' }` })
  await install(
    'modern',
    { 'index.js': `export default 'default'; export const named = 'named'` },
    { type: 'module' },
  )
  const compiled = `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 'default'; exports.named = 'named'`
  await install('compiled', { 'index.js': compiled })
}

describe.each(['commonjs', 'module'])('a package of type %s', (type) => {
  beforeEach(() => project.write('package.json', JSON.stringify({ name: 'app', type })))

  test('imports a file or a folder of a CommonJS package without its extension', async () => {
    await install('dates', {
      'index.js': '',
      'plugin/utc.js': `module.exports = 'utc'`,
      'format/index.js': `module.exports = 'format'`,
    })
    const code = `import utc from 'dates/plugin/utc'\nimport format from 'dates/format'\nexport const handler = async () => [utc, format]`
    expect(await result(code)).toEqual(['utc', 'format'])
  })

  test('has exports with computed names', async () => {
    await install('tokens', {
      'index.js': `const api = {}; for (const name of ['sign', 'verify']) api[name] = () => name; module.exports = api`,
    })
    const code = `import { verify } from 'tokens'\nexport const handler = async () => [verify(), (await import('tokens')).sign()]`
    expect(await result(code)).toEqual(['verify', 'sign'])
  })

  test('finds defaults and names as a bundle does', async () => {
    await installKinds()
    const code = `
      import common from 'common'
      import modern, { named } from 'modern'
      import * as all from 'modern'
      import * as compiled from 'compiled'
      export const handler = async () => [common.name, modern, named, Object.keys(all).sort(), compiled.named, (await import('modern')).default]`
    expect(await result(code)).toEqual([
      'common',
      'default',
      'named',
      ['default', 'named'],
      'named',
      'default',
    ])
    expect(await result(code, { packages: 'bundle' })).toEqual(await result(code))
  })

  test('loads the file of a package that its importer’s kind of import asks for', async () => {
    await install(
      'dual',
      { 'index.mjs': `export default 'import'`, 'index.cjs': `module.exports = 'require'` },
      {
        exports: { import: './index.mjs', require: './index.cjs' },
      },
    )
    const code = `import imported from 'dual'\nexport const handler = async () => [imported, require('dual')]`
    expect(await result(code)).toEqual(['import', 'require'])
  })
})

test('every kind of import works in the ES module format, too', async () => {
  await installKinds()
  await install(
    'waits',
    { 'index.js': `export const value = await Promise.resolve('waited')` },
    { type: 'module' },
  )
  const code = `
    import { value } from 'waits'
    import { sign } from 'common'
    import modern from 'modern'
    export const handler = async () => [value, sign(), modern, (await import('common')).sign(), require('common').name, __dirname, import.meta.url]`
  expect(await result(code, { format: 'esm' })).toEqual([
    'waited',
    'signed',
    'default',
    'signed',
    'common',
    project.folder,
    pathToFileURL(at('api.ts')).href,
  ])
})

test('two modules that find different versions of a package each get their own', async () => {
  await install('dep', { 'index.js': `module.exports = 1` })
  await project.write('lib/node_modules/dep/index.js', `module.exports = 2`)
  await project.write('lib/two.ts', `import dep from 'dep'\nexport const two = dep`)
  const code = `import dep from 'dep'\nimport { two } from './lib/two'\nexport const handler = async () => [dep, two]`
  expect(await result(code)).toEqual([1, 2])
})

test('running code finds its modules from the entry’s folder', async () => {
  await install('dep', { 'index.js': `module.exports = __filename` })
  await project.write('src/later.mjs', `export default 'later'`)
  const code = `
    const [dep, path, alone] = ['dep', './later.mjs', './alone.cjs']
    export const handler = async () => [
      require(dep), (await import(dep)).default, (await import(path)).default, require.resolve(path), require(alone), import.meta.resolve('dep'),
      import.meta.resolve('./x'), import.meta.resolve('fs'), typeof module, module.exports.handler === handler,
    ]`
  await project.write('src/alone.cjs', `module.exports = 'alone'`)
  const dep = at('node_modules/dep/index.js')
  expect(await result(code, { name: 'src/api.ts' })).toEqual([
    dep,
    dep,
    'later',
    at('src/later.mjs'),
    'alone',
    pathToFileURL(dep).href,
    pathToFileURL(at('src/x')).href,
    'node:fs',
    'object',
    true,
  ])
})

test('processes run the same', async () => {
  const processes = childProcesses()
  try {
    await installKinds()
    const entry = await project.write(
      'api.ts',
      `import { sign } from 'common'\nimport modern from 'modern'\nconst other = 'compiled'\nexport const handler = async () => [sign(), modern, (await import(other)).named, new Error().stack!.split('\\n')[1]]`,
    )
    const source = esbuild(entry)
    sources.push(source)
    const task = taskFor('', {}, { build: await source.load() })
    const outcome = resultOf(await processes.execute(task))
    expect(outcome).toEqual(['signed', 'default', 'named', expect.stringContaining(`${entry}:4:`)])
    expect(task.lines).toEqual([])
  } finally {
    await processes.close()
  }
})

describe('a missing package', () => {
  test('fails the build if an import names it, with place and remedy, until it is installed', async () => {
    const source = esbuild(
      await project.write('api.ts', `\nimport x from 'absent'\nexport const handler = async () => x`),
    )
    sources.push(source)
    await expect(source.load()).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringMatching(/api\.ts:2:\d+: Could not resolve "absent"\. Install it, /),
      details: { file: at('api.ts'), line: 2 },
    })
    await install('absent', { 'index.js': `module.exports = 'there now'` })
    expect(resultOf(await executor.execute(taskFor('', {}, { build: await source.load() })))).toBe(
      'there now',
    )
  })

  test('fails at run time if the code requires it there', async () => {
    const code = `const optional = () => { try { return require('absent') } catch { return 'none' } }
      export const handler = async () => [optional(), await import('absent').catch((error) => error.code)]`
    expect(await result(code)).toEqual(['none', 'ERR_MODULE_NOT_FOUND'])
  })

  test('is left to the code if `external` names it', async () => {
    const outcome = await execute(`import x from 'absent'\nexport const handler = async () => x`, {
      external: ['absent'],
    })
    expect(errorOf(outcome)).toMatchObject({ errorType: 'Runtime.ImportModuleError' })
  })
})

describe('top-level await', () => {
  test('of the function’s own code makes the build an ES module', async () => {
    await install('common', { 'index.js': `module.exports = { sign: () => 'signed' }` })
    const code = `import { sign } from 'common'\nconst value = await Promise.resolve(sign())\nexport const handler = async () => value`
    expect(await result(code)).toBe('signed')
  })

  test('of a package is reported with the option that runs it', async () => {
    await install(
      'waits',
      { 'index.js': `export const value = await Promise.resolve(1)` },
      { type: 'module' },
    )
    const outcome = await execute(`import { value } from 'waits'\nexport const handler = async () => value`)
    expect(errorOf(outcome)).toMatchObject({
      errorType: 'Runtime.ImportModuleError',
      errorMessage: expect.stringMatching(/waits.*awaits something.*`format: 'esm'`/s),
    })
  })
})

test('classes and functions of one name keep it, unless they need not', async () => {
  const error = 'export class NotFound extends Error {}'
  await project.write('a/errors.ts', error)
  await project.write('b/errors.ts', error)
  const code = `import * as a from './a/errors'\nimport * as b from './b/errors'\nexport const handler = async () => [a.NotFound.name, b.NotFound.name]`
  expect(await result(code)).toEqual(['NotFound', 'NotFound'])
  expect(await result(code, { keepNames: false })).not.toEqual(['NotFound', 'NotFound'])
})

test('a `*` and a `\\` may be in the name of a file', async () => {
  const where = `export const handler = async () => [__filename, new Error().stack!.split('\\n')[1]]`
  for (const name of ['src/a*b.ts', ...(process.platform === 'win32' ? [] : ['src/a\\b.ts'])]) {
    const [file, frame] = (await result(where, { name })) as [string, string]
    expect(file).toBe(at(name))
    expect(frame).toContain('b.ts:1:')
  }
})

test('a stack names the source after the garbage has been collected, too', async () => {
  const code = `import { setFlagsFromString } from 'node:v8'
    import { runInNewContext } from 'node:vm'
    export const handler = async () => {
      setFlagsFromString('--expose-gc')
      const collect = runInNewContext('gc')
      for (let i = 0; i < 5; i++) { collect(); await new Promise((resolve) => setTimeout(resolve, 5)) }
      return new Error().stack!.split('\\n')[1]
    }`
  expect(await result(code)).toContain(`${at('api.ts')}:7:`)
})

test('a line for the shell before the code does no harm', async () => {
  expect(
    await result(
      `#!/usr/bin/env node\nexport const handler = async () => new Error().stack!.split('\\n')[1]`,
    ),
  ).toContain('api.ts:2:')
})

test('native modules are loaded from their own place', async () => {
  await project.write('lib/addon.node', 'not one')
  const code = `let error: any; try { require('./lib/addon.node') } catch (thrown) { error = thrown }\nexport const handler = async () => error.message`
  expect(await result(code)).toContain(at('lib/addon.node'))
})

test('nothing is written into the project, and stacks name its files through a linked node_modules', async () => {
  const other = await handlerProject({ 'node_modules/dep/index.js': `module.exports = 'dep'` })
  await symlink(join(other.folder, 'node_modules'), at('node_modules'))
  const code = `\nimport dep from 'dep'\nexport const handler = async () => [dep, new Error('x').stack!.split('\\n')[1]]`
  expect(await result(code)).toEqual(['dep', expect.stringContaining(`${at('api.ts')}:3:`)])
  expect(readdirSync(project.folder).sort()).toEqual(['api.ts', 'node_modules', 'package.json'])
  expect(readdirSync(join(other.folder, 'node_modules'))).toEqual(['dep'])
  await other[Symbol.asyncDispose]()
})

describe('how esbuild joins ES modules to CommonJS', () => {
  // By its text: an esbuild that has another is refused, and this says so before a user does.
  test('is as it was', async () => {
    const { outputFiles } = await buildWithEsbuild({
      stdin: { contents: `import x from 'x'; export { x }`, resolveDir: project.folder },
      bundle: true,
      format: 'cjs',
      platform: 'node',
      packages: 'external',
      write: false,
    })
    expect(outputFiles[0]!.text).toContain('var __toESM = (mod, isNodeMode, target) => (')
  })

  test('is refused if it is unknown', () => {
    const code = Buffer.from('var __toESM = (module) => module;\n\n// api.ts\n')
    const options = {
      entry: at('api.ts'),
      format: 'cjs',
      packages: new Map<string, string>(),
      pnp: undefined,
    } as const
    expect(() => placed(code, options)).toThrow(expect.objectContaining({ code: 'BUILD_FAILED' }))
  })
})

test('a manifest that changes which file is the package’s main is seen', async () => {
  await install('dep', { 'index.js': `module.exports = 'old'`, 'new.js': `module.exports = 'new'` })
  const source = esbuild(
    await project.write('api.ts', `import dep from 'dep'\nexport const handler = async () => dep`),
  )
  sources.push(source)
  const run = async () => resultOf(await executor.execute(taskFor('', {}, { build: await source.load() })))
  expect(await run()).toBe('old')
  await install('dep', {}, { main: 'new.js', version: '2.0.0' })
  expect(await run()).toBe('new')
})

test('Yarn’s Plug’n’Play is set up before the code runs', async () => {
  await project.write('.pnp.cjs', `exports.setup = () => { globalThis.pnp = 'set up' }`)
  expect(existsSync(at('.pnp.cjs'))).toBe(true)
  expect(readFileSync(at('.pnp.cjs'), 'utf8')).toContain('setup')
  expect(await result(`export const handler = async () => (globalThis as any).pnp`)).toBe('set up')
})
