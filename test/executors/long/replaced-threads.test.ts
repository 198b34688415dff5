import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { workerThreads } from '../../../src/executors/worker-thread.js'
import type { FunctionBuild } from '../../../src/index.js'
import { projectOfFile, resultOf, taskFor } from '../handler-project.js'

const project = await projectOfFile()

test('threads that are replaced at any moment of their start leave the host alive', async () => {
  await using executor = workerThreads()
  await symlink(
    fileURLToPath(new URL('../../../node_modules/zod', import.meta.url)),
    join(project.folder, 'zod'),
  )
  const dependencies = {
    path: await project.write('dependencies.cjs', "require('./zod/index.js')"),
    fingerprints: [],
  }
  const path = await project.write('kept.cjs', "exports.handler = async () => 'kept'")
  const build: FunctionBuild = { kind: 'file', path, exportName: 'handler', dependencies }
  const task = taskFor(path, {}, { build })
  expect(resultOf(await executor.execute(task))).toBe('kept')
  for (let n = 0; n < 60; n++) {
    await executor.reload(task.functionId, {
      ...build,
      dependencies: { ...dependencies, fingerprints: [String(n)] },
    })
    await setTimeout(n)
  }
  expect(resultOf(await executor.execute(task))).toBe('kept')
}, 180_000)
