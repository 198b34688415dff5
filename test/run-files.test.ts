import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runFile } from '../src/run-files.js'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run files #'))
})

afterEach(() => rm(folder, { recursive: true, force: true }))

test('a file is found from the sources', () => {
  expect(runFile('worker-thread')).toMatch(/dist[\\/]run[\\/]worker-thread\.mjs$/)
})

test.each([
  ['a module of dist', 'dist/index.js'],
  ['a shared chunk', 'dist/chunk-ABC.js'],
  ['a deeper module', 'dist/executors/index.js'],
])('a file is found from %s of an installed package with a space and a # in its path', async (_, module) => {
  const root = await installedPackage('lambda-tether')
  const found = runFile('stub-mqtt', pathToFileURL(join(root, module)).href)
  expect(found).toBe(join(root, 'dist', 'run', 'stub-mqtt.cjs'))
})

test('other packages on the way are skipped, with any package.json', async () => {
  const root = await installedPackage('lambda-tether')
  await mkdir(join(root, 'dist', 'inner', 'broken'), { recursive: true })
  await writeFile(join(root, 'dist', 'inner', 'package.json'), '{"name":"other"}')
  await writeFile(join(root, 'dist', 'inner', 'broken', 'package.json'), 'null')
  const module = pathToFileURL(join(root, 'dist', 'inner', 'broken', 'module.js')).href
  expect(runFile('stub-mqtt', module)).toBe(join(root, 'dist', 'run', 'stub-mqtt.cjs'))
})

test('a file that was not built is named, with a remedy', async () => {
  const root = await installedPackage('lambda-tether')
  expect(() => runFile('guard', pathToFileURL(join(root, 'dist', 'index.js')).href)).toThrow(
    expect.objectContaining({
      code: 'EXECUTION_FAILED',
      message: expect.stringMatching(/guard\.mjs.*npm run build:run/),
    }),
  )
})

test('a copy of this module outside the package throws an error that says so', async () => {
  const root = await installedPackage('somebody-elses-host')
  const bundle = join(root, 'dist', 'bundle.js')
  expect(() => runFile('guard', pathToFileURL(bundle).href)).toThrow(
    expect.objectContaining({ code: 'EXECUTION_FAILED', message: expect.stringContaining(bundle) }),
  )
})

test('a linked package is found at its link', async () => {
  const root = await installedPackage('lambda-tether')
  const link = join(folder, 'link')
  await symlink(root, link)
  expect(runFile('stub-mqtt', pathToFileURL(join(link, 'dist', 'index.js')).href)).toBe(
    join(link, 'dist', 'run', 'stub-mqtt.cjs'),
  )
})

async function installedPackage(name: string): Promise<string> {
  const root = join(folder, 'node_modules', name)
  await mkdir(join(root, 'dist', 'run'), { recursive: true })
  await writeFile(join(root, 'package.json'), JSON.stringify({ name }))
  await writeFile(join(root, 'dist', 'run', 'stub-mqtt.cjs'), '')
  return root
}
