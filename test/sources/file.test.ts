import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { workerThreads } from '../../src/executors/worker-thread.js'
import { file } from '../../src/sources/file.js'
import { type HandlerProject, handlerProject, resultOf, taskFor } from '../executors/handler-project.js'

let project: HandlerProject

beforeEach(async () => {
  project = await handlerProject()
})

afterEach(() => project[Symbol.asyncDispose]())

test('it names the module and its export', async () => {
  const path = await project.write('api.mjs', '')
  expect(await file(path).load()).toEqual({ kind: 'file', path, exportName: 'handler' })
  expect(await file(`${path}#other`).load()).toEqual({ kind: 'file', path, exportName: 'other' })
  expect(await file(pathToFileURL(path), { exportName: 'third' }).load()).toEqual({
    kind: 'file',
    path,
    exportName: 'third',
  })
})

test('an export is named by a text', () => {
  expect(() => file('./api.mjs', { exportName: 5 as never })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining("'exportName'") }),
  )
})

test('a missing file is a failed build that names it, and works once it is there', async () => {
  const path = join(project.folder, 'later.mjs')
  const source = file(path)
  await expect(source.load()).rejects.toMatchObject({
    code: 'BUILD_FAILED',
    message: expect.stringContaining(path),
    details: { file: path },
  })
  const created = new Promise<void>((resolve) => void source.watch!(resolve))
  writeFileSync(path, '')
  await created
  expect(await source.load()).toMatchObject({ path })
  await source.close!()
})

test('a folder is not a module', async () => {
  await expect(file(project.folder).load()).rejects.toMatchObject({ code: 'BUILD_FAILED' })
})

test('a save is followed by new code in the worker', async () => {
  const path = await project.write('api.cjs', 'exports.handler = async () => 1')
  const source = file(path)
  await using executor = workerThreads()
  let saved = () => {}
  using _ = source.watch!(() => saved())
  const call = async () => resultOf(await executor.execute(taskFor(path, {}, { build: await source.load() })))
  expect(await call()).toBe(1)
  await new Promise<void>((resolve) => {
    saved = resolve
    writeFileSync(path, 'exports.handler = async () => 2')
  })
  await executor.reload('api')
  expect(await call()).toBe(2)
  await source.close!()
})

test('a save of a link’s target is seen', async () => {
  const real = await project.write('real/api.mjs', 'export const handler = 1')
  const link = join(project.folder, 'api.mjs')
  symlinkSync(real, link)
  const source = file(link)
  let saved = () => {}
  using _ = source.watch!(() => saved())
  await source.load()
  await new Promise<void>((resolve) => {
    saved = resolve
    writeFileSync(real, 'export const handler = 2')
  })
  await source.close!()
})
