import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { childProcesses, inline, workerThreads } from '../../src/executors/index.js'
import type { Executor, FunctionBuild, Handler } from '../../src/index.js'
import { taskFor } from './handler-project.js'
import { OFFICIAL_HANDLER, OFFICIAL_STREAMS, streamedBy } from './official-streams.js'

const { AWS_LAMBDA_RIC, REQUIRE_REAL_SERVERS } = process.env
// AWS's client takes no `#` in a path.
const folder = await realpath(await mkdtemp(join(tmpdir(), 'lambda-tether-streams-')))
const path = join(folder, 'rows.cjs')
await writeFile(path, OFFICIAL_HANDLER)
afterAll(() => rm(folder, { recursive: true, force: true }))

const fileBuild = (exportName: string): FunctionBuild => ({ kind: 'file', path, exportName })
const moduleBuild = (exportName: string): FunctionBuild => ({
  kind: 'module',
  load: async () => createRequire(path)(path)[exportName] as Handler,
})
const ricBuild = (exportName: string): FunctionBuild => ({
  kind: 'command',
  command: [process.execPath, AWS_LAMBDA_RIC ?? 'aws-lambda-ric'],
  cwd: folder,
  handler: `rows.${exportName}`,
})

/** As on Lambda: AWS's runtime asks for them. */
const ENV = {
  AWS_LAMBDA_FUNCTION_NAME: 'api-dev',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/api-dev',
  AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
}

const SUBJECTS = [
  { name: 'a worker thread', make: () => workerThreads({ spares: 0 }), buildOf: fileBuild, skipped: false },
  {
    name: 'a Node child process',
    make: () => childProcesses({ spares: 0 }),
    buildOf: fileBuild,
    skipped: false,
  },
  { name: 'inline', make: () => inline(), buildOf: moduleBuild, skipped: false },
  {
    name: 'the official runtime client itself (aws-lambda-ric 4 in AWS_LAMBDA_RIC)',
    make: () => childProcesses({ spares: 0 }),
    buildOf: ricBuild,
    skipped: AWS_LAMBDA_RIC === undefined && REQUIRE_REAL_SERVERS === undefined,
  },
]

describe.each(SUBJECTS)(
  'the stream that the official runtime client posts comes from $name',
  ({ name, make, buildOf, skipped }) => {
    let executor: Executor
    const builds = new Map<string, FunctionBuild>()
    const run = (exportName: string, event: unknown = {}, timeLimitMs = 15_000) => {
      const build = builds.get(exportName) ?? buildOf(exportName)
      builds.set(exportName, build)
      const changes = { build, env: ENV, environmentId: exportName, deadline: Date.now() + timeLimitMs }
      return executor.execute(taskFor(path, event, changes))
    }
    beforeAll(() => {
      executor = make()
    })
    afterAll(() => executor.close())

    test.skipIf(skipped).each(OFFICIAL_STREAMS.map((row, number) => ({ ...row, number })))(
      'for $name',
      async ({ number, posts }) => {
        expect(await streamedBy(await run('handler', { row: number }))).toEqual(posts)
      },
    )

    // That of the official client's has the mark when it is connected, which is later.
    test.skipIf(skipped || name.includes('itself'))('for a high-water mark of its own', async () => {
      expect((await streamedBy(await run('marked'))).body).toBe('1234')
    })

    test.skipIf(skipped)('for a context without the methods that end an invocation', async () => {
      expect((await streamedBy(await run('contextual'))).body).toBe('["request-1","number","undefined"]')
    })
  },
)
