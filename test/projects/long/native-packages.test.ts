import { afterAll, beforeAll, expect, test } from 'vitest'
import { childProcesses, workerThreads } from '../../../src/executors/index.js'
import { ServedProject } from '../served-project.js'
import { type Installed, installAll } from './installed.js'

/** Packages of native code that come with their binaries, and what shows that it runs. */
const natives: readonly (readonly [name: string, line: string, expression: string, value: unknown])[] = [
  [
    'sharp',
    `import sharp from 'sharp'`,
    `(await sharp({ create: { width: 2, height: 3, channels: 3, background: '#fff' } }).png().toBuffer({ resolveWithObject: true })).info.height`,
    3,
  ],
  ['bcrypt', `import { compareSync, hashSync } from 'bcrypt'`, `compareSync('a', hashSync('a', 4))`, true],
  [
    '@node-rs/argon2',
    `import { hash, verify } from '@node-rs/argon2'`,
    `await verify(await hash('a', { memoryCost: 1024 }), 'a')`,
    true,
  ],
  ['@napi-rs/canvas', `import { createCanvas } from '@napi-rs/canvas'`, `createCanvas(4, 5).width`, 4],
  [
    'lightningcss',
    `import { transform } from 'lightningcss'`,
    `transform({ filename: 'a.css', code: Buffer.from('a { color: red }'), minify: true }).code.toString()`,
    'a{color:red}',
  ],
  [
    'libsql',
    `import Database from 'libsql'`,
    `(new Database(':memory:').prepare('select 1 as one').get() as any).one`,
    1,
  ],
  [
    'snappy',
    `import { compressSync, uncompressSync } from 'snappy'`,
    `uncompressSync(compressSync('a')).toString()`,
    'a',
  ],
  [
    '@resvg/resvg-js',
    `import { Resvg } from '@resvg/resvg-js'`,
    `new Resvg('<svg xmlns="http://www.w3.org/2000/svg" width="6" height="7"/>').render().width`,
    6,
  ],
]

const RELOADS = 10

let installed: Installed
beforeAll(async () => {
  installed = await installAll(natives.map(([name]) => name))
}, 600_000)
afterAll(() => installed?.[Symbol.asyncDispose]())

test.each(
  natives.flatMap((native) => [
    [...native, 'threads', workerThreads] as const,
    [...native, 'processes', childProcesses] as const,
  ]),
)(
  '%s is reloaded ten times',
  async (_name, line, expression, value, _kind, executor) => {
    await using project = await ServedProject.create({ 'package.json': { name: 'app' } })
    await installed.linkInto(project.folder)
    const textOf = (version: number) =>
      `${line}\nexport const handler = async () => ({ version: ${version}, value: ${expression} })\n`
    await project.write({ 'api.ts': textOf(0) })
    await project.serve(executor(), { api: 'api.ts' })
    expect(await project.invoke('api')).toEqual({ version: 0, value })
    for (let version = 1; version <= RELOADS; version++) {
      await project.save('api', { 'api.ts': textOf(version) })
      expect(await project.invoke('api')).toEqual({ version, value })
    }
  },
  120_000,
)
