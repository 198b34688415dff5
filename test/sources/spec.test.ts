import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { workerThreads } from '../../src/executors/worker-thread.js'
import { sourceOf } from '../../src/sources/spec.js'
import { type HandlerProject, handlerProject, resultOf, taskFor } from '../executors/handler-project.js'

let project: HandlerProject

beforeEach(async () => {
  project = await handlerProject({
    'package.json': '{}',
    'node.mjs': 'export const handler = async () => "as it is"',
    'common.cjs': 'exports.other = async () => "as it is"',
    'typed.ts':
      'export enum Kind { Built = "built" }; export const handler = async (): Promise<Kind> => Kind.Built',
    'typed.cts': 'const kind: string = "built"; export const handler = async () => kind',
  })
})

afterEach(() => project[Symbol.asyncDispose]())

test.each([
  ['./node.mjs', 'as it is'],
  ['common.cjs#other', 'as it is'],
  ['./typed.ts#handler', 'built'],
  ['./typed.cts', 'built'],
])('%s, from a folder, runs', async (target, expected) => {
  const source = sourceOf(target, { cwd: project.folder })
  await using executor = workerThreads()
  const build = await source.load()
  expect(resultOf(await executor.execute(taskFor('', {}, { build })))).toBe(expected)
  await source.close!()
})

test.each(['./api.rb#handler', './api', './api.ts#', ''])('%j is refused as a target', (target) => {
  expect(() => sourceOf(target)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test('the option `build` applies to a build, and a wrong option is named for any target', async () => {
  await project.write('defined.ts', 'declare const STAGE: string\nexport const handler = async () => STAGE')
  const source = sourceOf('./defined.ts', { cwd: project.folder, build: { define: { STAGE: '"dev"' } } })
  const { path } = (await source.load()) as { path: string }
  expect(readFileSync(path, 'utf8')).toContain('"dev"')
  await source.close!()
  for (const target of ['./defined.ts', './plain.js'])
    expect(() => sourceOf(target, { build: { format: 'iife' as 'cjs' } })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('build.format') }),
    )
})
