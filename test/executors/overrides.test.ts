import { describe, expect, test } from 'vitest'
import { childProcesses } from '../../src/executors/child-process.js'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Task } from '../../src/index.js'
import { projectOfFile, resultOf, taskFor } from './handler-project.js'

const project = await projectOfFile()
const path = await project.write(
  'overrides.mjs',
  `const { TABLE } = process.env
   let calls = 0
   export const handler = async () => [TABLE, process.env.TABLE, process.env.NODE_NO_WARNINGS, process.env.FUNCTION_OWN, ++calls]`,
)

test('a custom runtime gets a new process for variables of one invocation', async () => {
  const file = await project.write(
    'runtime.mjs',
    `const { AWS_LAMBDA_RUNTIME_API: api, REPLAY = 'none' } = process.env
     const base = \`http://\${api}/2018-06-01/runtime/invocation\`
     for (let calls = 1; ; calls++) {
       const next = await fetch(\`\${base}/next\`)
       const id = next.headers.get('lambda-runtime-aws-request-id')
       await next.text()
       await fetch(\`\${base}/\${id}/response\`, { method: 'POST', body: JSON.stringify([REPLAY, calls]) })
     }`,
  )
  await using executor = childProcesses()
  const build = {
    kind: 'command',
    command: [process.execPath, file],
    cwd: project.folder,
    handler: 'handler',
  } as const
  const run = async (changes: Partial<Task> = {}) =>
    resultOf(await executor.execute(taskFor(file, {}, { build, ...changes })))
  expect(await run({ invocationEnv: { REPLAY: 'yes' } })).toEqual(['yes', 1])
  expect(await run()).toEqual(['none', 1])
  expect(await run()).toEqual(['none', 2])
})

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

  test('sets variables of one invocation for that one, in its worker, after modules have loaded', async () => {
    const file = await project.write(
      'invocation-env.mjs',
      `const { REPLAY = 'none' } = process.env
       let calls = 0
       export const handler = async () => [REPLAY, process.env.REPLAY ?? 'none', process.env.TABLE, ++calls]`,
    )
    await using executor = make()
    const run = async (invocationEnv?: Record<string, string>) => {
      const env = { TABLE: 'orders' }
      return resultOf(
        await executor.execute(taskFor(file, {}, { env, ...(invocationEnv && { invocationEnv }) })),
      )
    }
    expect(await run({ REPLAY: 'yes' })).toEqual(['none', 'yes', 'orders', 1])
    expect(await run()).toEqual(['none', 'none', 'orders', 2])
    expect(await run({ REPLAY: 'yes', TABLE: 'mine' })).toEqual(['none', 'yes', 'mine', 3])
    expect(await run()).toEqual(['none', 'none', 'orders', 4])
  })
})
