import { existsSync, readdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, rm, symlink, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Executor, FunctionBuild, FunctionSource } from '../../src/index.js'
import { esbuild } from '../../src/sources/esbuild.js'
import {
  errorOf,
  type HandlerProject,
  handlerProject,
  resultOf,
  taskFor,
} from '../executors/handler-project.js'
import { childrenWith } from '../executors/process-state.js'
import { eventually } from '../support/eventually.js'
import { ManualClock } from '../support/manual-clock.js'

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

function sourceFor(...args: Parameters<typeof esbuild>): FunctionSource {
  const source = esbuild(...args)
  sources.push(source)
  return source
}

const run = async (source: FunctionSource, event: unknown = {}) =>
  executor.execute(taskFor('', event, { build: await source.load() }))

const temporary = realpathSync(tmpdir())
const builds = () => readdirSync(temporary).filter((name) => /^lambda-tether-[0-9a-f]{8}-\d+-/.test(name))

describe('a build', () => {
  test('runs TypeScript that Node cannot strip, with its imports by path', async () => {
    await project.write('src/lib/color.ts', 'export enum Color { Red = "red" }')
    const path = await project.write(
      'src/api.ts',
      `import { Color } from './lib/color'
       class Box { constructor(readonly color: Color) {} }
       export const handler = async (event: { n: number }): Promise<unknown> => ({ ...new Box(Color.Red), n: event.n })`,
    )
    expect(resultOf(await run(sourceFor(`${path}#handler`), { n: 3 }))).toEqual({ color: 'red', n: 3 })
  })

  test('a stack names the source’s file and line, also in a module that it imports', async () => {
    await project.write(
      'src/lib/fail.ts',
      `\n\ninterface Reason { text: string }\n\nexport function fail(reason: Reason): never {\n  throw new Error(reason.text)\n}\n`,
    )
    const path = await project.write(
      'src/api.ts',
      `import { fail } from './lib/fail.js'\n\ntype Event = { why: string }\n\nexport const handler = async (event: Event) => {\n  fail({ text: event.why })\n}\n`,
    )
    const { errorMessage, trace } = errorOf(await run(sourceFor(path), { why: 'because' }))
    expect(errorMessage).toBe('because')
    expect(trace[1]).toContain(`${join(project.folder, 'src/lib/fail.ts')}:6:9`)
    expect(trace[2]).toContain(`${join(project.folder, 'src/api.ts')}:6:3`)
  })

  test('finds packages from the entry’s own folder, loads them as they are, and has CommonJS’s names', async () => {
    await project.write('node_modules/common/package.json', '{ "name": "common", "main": "main.js" }')
    await project.write('node_modules/common/main.js', 'module.exports = { name: "common", at: __filename }')
    await project.write(
      'node_modules/modern/package.json',
      '{ "name": "modern", "type": "module", "exports": "./index.js" }',
    )
    await project.write(
      'node_modules/modern/index.js',
      'export const name = "modern"; export const at = import.meta.url',
    )
    await project.write('packages/api/package.json', '{ "name": "api" }')
    await project.write(
      'packages/api/src/sub/where.ts',
      'export const where = () => [__dirname, __filename, import.meta.url]',
    )
    const path = await project.write(
      'packages/api/src/api.ts',
      `import { name, at } from 'modern'
       import common from 'common'
       import { where } from './sub/where'
       export const handler = async () => ({ names: [name, common.name, require('common').name], at: [at, common.at], where: where() })`,
    )
    const folder = join(project.folder, 'packages/api/src')
    expect(resultOf(await run(sourceFor(path)))).toEqual({
      names: ['modern', 'common', 'common'],
      at: [
        pathToFileURL(join(project.folder, 'node_modules/modern/index.js')).href,
        join(project.folder, 'node_modules/common/main.js'),
      ],
      where: [folder, path, pathToFileURL(path).href],
    })
  })

  test('is the same through a link to its file, its folder or one above', async () => {
    const code = "import { two } from './two'; export const handler = async () => [two, import.meta.url]"
    const path = await project.write('app/src/api.ts', code)
    await project.write('app/src/two.ts', 'export const two: number = 2')
    await project.write('app/package.json', '{}')
    await symlink('app', join(project.folder, 'linked'))
    await symlink('src', join(project.folder, 'app/linked'))
    await symlink('src/api.ts', join(project.folder, 'app/linked.ts'))
    for (const [cwd, entry] of [
      ['.', 'linked/src/api.ts'],
      ['.', 'app/linked/api.ts'],
      ['.', 'app/linked.ts'],
      ['linked', 'src/api.ts'],
      ['linked', path],
    ] as const) {
      const source = sourceFor({ entry, cwd: join(project.folder, cwd) })
      expect(resultOf(await run(source))).toEqual([2, pathToFileURL(path).href])
      const { change } = watched(source)
      await change(() => writeFileSync(path, `${code}\n`))
    }
  })

  test('a module may declare require, __dirname and __filename itself', async () => {
    const path = await project.write(
      'api.mts',
      `import { createRequire } from 'node:module'
       import { dirname } from 'node:path'
       import { fileURLToPath } from 'node:url'
       const require = createRequire(import.meta.url)
       const __filename = fileURLToPath(import.meta.url)
       const __dirname = dirname(__filename)
       export const handler = async () => [__dirname, __filename, require('node:os').EOL]`,
    )
    expect(resultOf(await run(sourceFor(path)))).toEqual([project.folder, path, '\n'])
  })

  test('esbuild’s own options are passed on, and packages can be bundled', async () => {
    await project.write('node_modules/dep/package.json', '{ "name": "dep", "main": "index.js" }')
    await project.write('node_modules/dep/index.js', 'module.exports = "bundled"')
    await project.write('src/text.sql', 'select 1')
    await project.write(
      'src/api.tsx',
      'import dep from "dep"; import sql from "./text.sql"; declare const STAGE: string; export const main = async () => [dep, sql, STAGE]',
    )
    const source = sourceFor({
      entry: 'src/api.tsx',
      exportName: 'main',
      cwd: project.folder,
      packages: 'bundle',
      loader: { '.sql': 'text' },
      define: { STAGE: '"dev"' },
    })
    const build = await source.load()
    await rm(join(project.folder, 'node_modules/dep'), { recursive: true })
    expect(resultOf(await executor.execute(taskFor('', {}, { build })))).toEqual([
      'bundled',
      'select 1',
      'dev',
    ])
  })

  test('an entry with no package around it builds too', async () => {
    await rm(join(project.folder, 'package.json'))
    const path = await project.write(
      'alone.ts',
      'export const handler = async (): Promise<string> => "alone"',
    )
    expect(resultOf(await run(sourceFor(path)))).toBe('alone')
    expect(readdirSync(project.folder)).toEqual(['alone.ts'])
  })
})

describe('a build that fails', () => {
  test('reports the place as editors count it, and the number of further errors', async () => {
    const path = await project.write('api.ts', 'export const handler = async () => {\n  return 1 +\n}\n')
    const failure = await sourceFor(path)
      .load()
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'BUILD_FAILED',
      message: `${path}:3:1: Unexpected "}"`,
      details: { file: path, line: 3, column: 1, text: 'Unexpected "}"' },
    })
    await project.write('api.ts', 'import "./one"; import "./two"')
    await expect(sourceFor(path).load()).rejects.toMatchObject({
      message: expect.stringMatching(/Could not resolve ".\/one" \(and 1 more\)$/),
      details: { errors: [{ column: 8 }, { column: 24 }] },
    })
  })

  test('a missing entry is named', async () => {
    const path = join(project.folder, 'missing.ts')
    await expect(sourceFor(path).load()).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringContaining(path),
    })
  })

  test('options that esbuild refuses are its own words', async () => {
    const path = await project.write('api.ts', '')
    await expect(sourceFor({ entry: path, target: 'es1999' }).load()).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringContaining('es1999'),
    })
  })

  test.each([
    [{ entry: '' }, 'entry'],
    [{}, 'entry'],
    [{ entry: new URL('https://example.com/api.ts') }, 'entry'],
    [{ entry: './api.ts', exportName: 5 }, 'exportName'],
    [{ entry: './api.ts', cwd: 5 }, 'cwd'],
    [{ entry: './api.ts', packages: 'none' }, 'packages'],
    [{ entry: './api.ts', exportname: 'run' }, 'exportname'],
  ])('%j is refused by name', (options, name) => {
    expect(() => esbuild(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })

  test('is repaired by a save of the faulty file, or by a new file for a missing import', async () => {
    const path = await project.write('src/api.ts', 'export const handler = async () => [')
    await mkdir(join(project.folder, 'lib'))
    const source = sourceFor(path)
    const { change } = watched(source)
    await expect(source.load()).rejects.toMatchObject({ code: 'BUILD_FAILED' })
    await change(() =>
      writeFileSync(path, 'import { two } from "../lib/two"; export const handler = async () => two'),
    )
    await expect(source.load()).rejects.toMatchObject({ message: expect.stringContaining('../lib/two') })
    await change(() => writeFileSync(join(project.folder, 'lib/two.ts'), 'export const two: number = 2'))
    expect(resultOf(await run(source))).toBe(2)
  })

  test('succeeds if the missing import appears during the build', async () => {
    const path = await project.write('src/api.ts', "export { handler } from '../lib/late'")
    const late: Plugin = {
      name: 'late',
      setup: (build) =>
        build.onEnd(() => project.write('lib/late.ts', 'export const handler = () => 3').then(() => {})),
    }
    expect(resultOf(await run(sourceFor({ entry: path, plugins: [late] })))).toBe(3)
  })
})

describe('watching', () => {
  test('a save of a module imported by path is seen, also of a new import, but not of a former one', async () => {
    const api = await project.write(
      'src/api.ts',
      'import { a } from "../lib/a"; export const handler = async () => a',
    )
    const a = await project.write('lib/a.ts', 'export const a = "a1"')
    const b = await project.write('lib/deep/b.ts', 'export const a = "b1"')
    const source = sourceFor(api)
    const { change, changes } = watched(source)
    expect(resultOf(await run(source))).toBe('a1')
    await change(() => save(a, 'export const a = "a2"'))
    expect(await reloaded(source)).toBe('a2')
    await change(() => save(api, 'import { a } from "../lib/deep/b"; export const handler = async () => a'))
    expect(await reloaded(source)).toBe('b1')
    await change(() => save(b, 'export const a = "b2"'))
    expect(await reloaded(source)).toBe('b2')
    const before = changes()
    save(a, 'export const a = "nobody"')
    await change(() => save(b, 'export const a = "b3"'))
    expect(changes()).toBe(before + 1)
    expect(await reloaded(source)).toBe('b3')
  })

  test('saves in quick succession end with the last one’s code', async () => {
    const path = await project.write('api.ts', 'export const handler = async () => 0')
    const source = sourceFor(path)
    let latest: unknown = 0
    let loading: Promise<unknown> = Promise.resolve()
    let seen = () => {}
    using _ = source.watch!(() => {
      loading = loading.then(async () => {
        latest = await reloaded(source)
        seen()
      })
    })
    await run(source)
    for (let round = 1; round <= 5; round++) {
      const last = round * 10 + 5
      await new Promise<void>((resolve) => {
        seen = () => {
          if (latest === last) resolve()
        }
        for (let n = 1; n <= 5; n++) save(path, `export const handler = async () => ${round * 10 + n}`)
      })
    }
    await loading
    expect(latest).toBe(55)
  })

  test('a load during another one has the changes since', async () => {
    const path = await project.write('api.ts', 'export const handler = async () => "old"')
    let release = () => {}
    let held: Promise<void> | undefined
    let reached = () => {}
    const hold: Plugin = {
      name: 'hold',
      setup: (build) =>
        build.onEnd(() => {
          reached()
          return held
        }),
    }
    const source = sourceFor({ entry: path, plugins: [hold] })
    await source.load()
    held = new Promise((resolve) => {
      release = resolve
    })
    const atEnd = new Promise<void>((resolve) => {
      reached = resolve
    })
    const first = source.load()
    await atEnd
    save(path, 'export const handler = async () => "new"')
    const second = source.load()
    held = undefined
    release()
    expect((await first).kind).toBe('file')
    expect(resultOf(await executor.execute(taskFor('', {}, { build: await second })))).toBe('new')
  })
})

const pathOf = (build: FunctionBuild) => (build as { path: string }).path

describe('its files and processes', () => {
  test('variables for esbuild’s process are in its environment alone', async () => {
    const path = await project.write('api.ts', 'export const handler = async () => 1')
    await sourceFor({ entry: path }).load()
    expect(process.env.GOGC).toBeUndefined()
    // Only Linux tells.
    if (process.platform !== 'linux') return
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ')
    const environments = children.map((child) => readFileSync(`/proc/${child}/environ`, 'utf8').split('\0'))
    expect(environments.filter((environment) => environment.includes('GOGC=200'))).toHaveLength(1)
  })

  test('files that an installation has removed are written again', async () => {
    await project.write('node_modules/dep/package.json', '{ "main": "index.js" }')
    await project.write('node_modules/dep/index.js', 'exports.one = 1')
    const path = await project.write(
      'api.ts',
      "import { one } from 'dep'; export const handler = async () => one",
    )
    const source = sourceFor({ entry: path })
    expect(resultOf(await run(source))).toBe(1)
    await rm(join(project.folder, 'node_modules'), { recursive: true })
    await project.write('node_modules/dep/package.json', '{ "main": "index.js" }')
    await project.write('node_modules/dep/index.js', 'exports.one = "another"')
    expect(resultOf(await run(source))).toBe('another')
  })

  // Only Linux tells which process is esbuild's.
  test.runIf(process.platform === 'linux')('a process of esbuild that ends is replaced', async () => {
    const path = await project.write('api.ts', 'export const handler = async () => 1')
    const [source, another] = [sourceFor({ entry: path }), sourceFor({ entry: path })]
    expect(resultOf(await run(source))).toBe(1)
    expect(resultOf(await run(another))).toBe(1)
    for (const pid of childrenWith('--service=')) process.kill(pid, 'SIGKILL')
    writeFileSync(path, 'export const handler = async () => 2')
    const builds = await Promise.all([source.load(), another.load()])
    for (const build of builds) expect(resultOf(await executor.execute(taskFor('', {}, { build })))).toBe(2)
    expect(childrenWith('--service=')).toHaveLength(1)
  })

  test('a version that is held stays while newer ones are built; none is left after close', async () => {
    const path = await project.write('api.ts', 'export const handler = async () => 1')
    const source = sourceFor({ entry: path })
    const first = await source.load()
    const [running, current] = [first.hold!(), first.hold!()]
    const second = await source.load()
    expect(second).not.toEqual(first)
    current[Symbol.dispose]()
    current[Symbol.dispose]()
    expect(existsSync(pathOf(first))).toBe(true)
    expect(
      resultOf(await executor.execute(taskFor('', {}, { build: { ...first, hold: undefined as never } }))),
    ).toBe(1)
    running[Symbol.dispose]()
    await eventually(() => expect(existsSync(pathOf(first))).toBe(false))
    // It is the newest, so it stays, held or not; and once it is superseded it goes.
    second.hold!()[Symbol.dispose]()
    expect(existsSync(pathOf(second))).toBe(true)
    await source.load()
    await eventually(() => expect(existsSync(pathOf(second))).toBe(false))
    await source.close!()
    expect(existsSync(dirname(pathOf(second)))).toBe(false)
    await expect(source.load()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('a version that was never held stays for as long as a function may run', async () => {
    const clock = new ManualClock(Date.now())
    const path = await project.write('api.ts', 'export const handler = async () => 1')
    const source = sourceFor({ entry: path, clock })
    const first = await source.load()
    await source.load()
    await clock.advance(15 * 60_000)
    await source.load()
    expect(existsSync(pathOf(first))).toBe(true)
    await clock.advance(60_000)
    const last = await source.load()
    await eventually(() => expect(existsSync(pathOf(first))).toBe(false))
    expect(existsSync(pathOf(last))).toBe(true)
  })

  test('two sources of a package do not touch each other’s, and the project can be read-only', async () => {
    const path = await project.write('api.ts', 'export const handler = async () => 1')
    await chmod(project.folder, 0o555)
    const [one, two] = [sourceFor(path), sourceFor(path)]
    await one.load()
    const build = await two.load()
    await one.close!()
    expect(resultOf(await executor.execute(taskFor('', {}, { build })))).toBe(1)
    await two.close!()
    await chmod(project.folder, 0o755)
    expect(readdirSync(project.folder).sort()).toEqual(['api.ts', 'package.json'])
  })

  test('files of a killed process are removed, from another machine after a day, and no others', async () => {
    const path = await project.write('api.ts', '')
    const own = dirname(pathOf(await sourceFor(path).load()))
    const machine = /lambda-tether-([0-9a-f]{8})-/.exec(own)![1]!
    // The highest process id that Linux gives is 2^22.
    const name = (of: string, pid = 4194305) => `lambda-tether-${of}-${pid}-00000001`
    const killed = name(machine)
    const [elsewhere, longElsewhere] = [name('0000000a'), name('0000000b')]
    const kept = [name(machine, process.pid), elsewhere, 'lambda-tether-mine']
    const paths = [killed, longElsewhere, ...kept].map((left) => join(temporary, left))
    for (const left of paths) await mkdir(left, { recursive: true })
    const longAgo = new Date(Date.now() - 25 * 60 * 60_000)
    for (const left of [longElsewhere, 'lambda-tether-mine', kept[0]!])
      await utimes(join(temporary, left), longAgo, longAgo)
    await sourceFor(path).load()
    expect(paths.filter((left) => existsSync(left))).toEqual(kept.map((left) => join(temporary, left)))
    for (const left of paths) await rm(left, { recursive: true, force: true })
  })

  test('closing before, during and after a load is harmless', async () => {
    const before = new Set(builds())
    const path = await project.write('api.ts', '')
    await esbuild(path).close!()
    const source = esbuild(path)
    const loading = source.load().catch((error: unknown) => error)
    await source.close!()
    await source.close!()
    await loading
    expect(builds().filter((name) => !before.has(name) && name.includes(`-${process.pid}-`))).toEqual([])
  })
})

/** Loads anew and asks a fresh worker. */
async function reloaded(source: FunctionSource): Promise<unknown> {
  const build = await source.load()
  await executor.reload('api')
  return resultOf(await executor.execute(taskFor('', {}, { build })))
}

function save(path: string, text: string): void {
  writeFileSync(`${path}.tmp`, text)
  renameSync(`${path}.tmp`, path)
}

function watched(source: FunctionSource) {
  let changes = 0
  let listener = () => {}
  const subscription = source.watch!(() => {
    changes++
    listener()
  })
  sources.push({ load: source.load, close: async () => subscription[Symbol.dispose]() })
  return {
    changes: () => changes,
    change: (action: () => void) =>
      new Promise<void>((resolve) => {
        listener = resolve
        action()
      }),
  }
}
