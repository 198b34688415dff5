import { describe, expect, test } from 'vitest'
import { childProcesses } from '../../src/executors/child-process.js'
import { workerThreads } from '../../src/executors/worker-thread.js'
import { projectOfFile, resultOf, taskFor } from './handler-project.js'

const project = await projectOfFile()
const path = await project.write(
  'overrides.mjs',
  `const { TABLE } = process.env
   let calls = 0
   export const handler = async () => [TABLE, process.env.TABLE, process.env.NODE_NO_WARNINGS, process.env.FUNCTION_OWN, ++calls]`,
)

describe.each([
  ['workerThreads()', workerThreads],
  ['childProcesses()', childProcesses],
])('%s', (_, make) => {
  test('gives code the variables of its host from the start, in place of the function’s', async () => {
    await using executor = make()
    const run = async (overrides: Record<string, string>, env: Record<string, string> = {}) => {
      const task = taskFor(path, {}, { env: { TABLE: 'remote', FUNCTION_OWN: 'yes', ...env }, overrides })
      return [resultOf(await executor.execute(task)), task.lines]
    }
    const guarded = { TABLE: 'local', NODE_NO_WARNINGS: '1' }
    expect(await run(guarded)).toEqual([['local', 'local', '1', 'yes', 1], []])
    // What the function's own variables become does not show through.
    expect(await run({ ...guarded }, { TABLE: 'newer' })).toEqual([['local', 'local', '1', 'yes', 2], []])
    // Modules have read them: others are another worker's.
    expect(await run({ TABLE: 'other' })).toEqual([['other', 'other', null, 'yes', 1], []])
  })
})
