import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { deferred } from '../../src/core/base/deferred.js'
import { childProcesses } from '../../src/executors/child-process.js'
import type { Executor } from '../../src/index.js'
import { esbuild } from '../../src/sources/esbuild.js'
import { CdpSocket } from '../support/cdp.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { AskingClock } from './asking-clock.js'
import { errorOf, projectOfFile, resultOf, taskFor } from './handler-project.js'

const project = await projectOfFile()
let executor: Executor
let client: CdpSocket | undefined

const COUNTING = `let calls = 0
export const handler = async ({ stop, loop }) => {
  calls++
  if (stop) debugger
  if (loop) console.error('loops')
  while (loop) {}
  console.error('call', calls)
  return { calls, options: process.env.NODE_OPTIONS, names: Object.keys(process.env) }
}`

afterEach(async () => {
  await executor.close()
  await client?.close()
  client = undefined
})

/** Attaches as a debugger that is told a port alone. */
async function attachTo(functionId: string): Promise<CdpSocket> {
  const port = executor.stats?.()[functionId]?.inspectPort
  const list = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as object[]
  client = await CdpSocket.connect((list[0] as { webSocketDebuggerUrl: string }).webSocketDebuggerUrl)
  return client
}

test('stops at a line of TypeScript during a live invocation, reads a variable, and lets it go on', async () => {
  executor = childProcesses({ inspect: { api: 0 } })
  await using tether = new Tether()
  const source = `interface Order { readonly items: readonly number[] }
export async function handler({ items }: Order): Promise<number> {
  const total = items.reduce((sum, price) => sum + price, 0)
  return total
}
`
  const entry = await project.write('orders.ts', source)
  const session = tether.session().serve({ executor, functions: { api: esbuild({ entry }) } })
  const lines: string[] = []
  session.on('log', ({ text }) => lines.push(text))
  await session.open()
  const stub = tether.stub()
  expect(await stub({ items: [1] }, stubContext())).toBe(1)

  const debug = await attachTo('api')
  const breakpoint = await debug.breakAt(entry, 4)
  const answer = stub({ items: [20, 22] }, stubContext())
  const paused = await debug.paused()
  expect(paused.hitBreakpoints).toEqual([breakpoint])
  expect(await debug.read(paused, 'total')).toBe(42)
  await debug.call('Debugger.resume')
  expect(await answer).toBe(42)
  // What the inspector itself says is no line of the function's.
  expect(lines).toEqual([])
})

test('the local deadline leaves paused code alone and ends a loop', async () => {
  const clock = new AskingClock()
  executor = childProcesses({ inspect: true, clock })
  const path = await project.write('paused.mjs', COUNTING)
  await executor.execute(taskFor(path))
  const debug = await attachTo('api')
  await debug.call('Debugger.enable')
  const task = taskFor(path, { stop: true }, { deadline: clock.now() + 400 })
  const stopped = executor.execute(task)
  const paused = await debug.paused()
  await clock.passDeadline(400)
  expect(await debug.read(paused, 'calls')).toBe(2)
  await debug.call('Debugger.resume')
  expect(resultOf(await stopped)).toMatchObject({ calls: 2 })
  expect(task.lines.map(({ text }) => text)).toEqual(['call 2'])

  const { promise: looping, resolve: onLog } = deferred<unknown>()
  const loop = executor.execute(taskFor(path, { loop: true }, { deadline: clock.now() + 400, onLog }))
  expect(await looping).toMatchObject({ text: 'loops' })
  await clock.passDeadline(400)
  expect(errorOf(await loop).errorType).toBe('Sandbox.Timedout')
  await debug.closed
})

test('a debugger that leaves while the code is paused lets it go on', async () => {
  executor = childProcesses({ inspect: true })
  const path = await project.write('left.mjs', COUNTING)
  await executor.execute(taskFor(path))
  const debug = await attachTo('api')
  await debug.call('Debugger.enable')
  const stopped = executor.execute(taskFor(path, { stop: true }))
  await debug.paused()
  await debug.close()
  expect(resultOf(await stopped)).toMatchObject({ calls: 2 })
})

test.each([
  ['VS Code', 'bootloader.js', 'VSCODE_INSPECTOR_OPTIONS'],
  ['JetBrains', 'debugConnector.203.5981.js', 'JB_IDE_PORT'],
])(
  'settings of %s for its program reach the bootstrap, but not the code',
  async (_name, module, variable) => {
    const clock = new AskingClock()
    executor = childProcesses({ clock })
    const found = join(project.folder, `${module}.json`)
    const connector = `require('node:inspector').open(0, '127.0.0.1')
    const { NODE_OPTIONS, ${variable} } = process.env
    const url = require('node:inspector').url()
    require('node:fs').writeFileSync(${JSON.stringify(found)}, JSON.stringify({ url, NODE_OPTIONS, ${variable} }))`
    const required = await project.write(`an IDE/${module}`, connector)
    const before = process.env.NODE_OPTIONS
    process.env.NODE_OPTIONS = `--max-http-header-size=20000 --require "${required}" --inspect-publish-uid=http`
    process.env[variable] = '{"ide":1}'
    try {
      const path = await project.write(`${module}.mjs`, COUNTING)
      const env = { FUNCTION_OWN: 'yes', NODE_OPTIONS: '--enable-source-maps' }
      const task = taskFor(path, {}, { env })
      const { options, names } = resultOf(await executor.execute(task)) as {
        options: string
        names: string[]
      }
      expect(options).toBe('--enable-source-maps')
      expect(names).not.toContain(variable)
      const seen = JSON.parse(await readFile(found, 'utf8')) as Record<string, string>
      expect(seen).toMatchObject({
        [variable]: '{"ide":1}',
        NODE_OPTIONS: `--require ${JSON.stringify(required)} --enable-source-maps`,
      })
      client = await CdpSocket.connect(seen.url)
      await client.call('Debugger.enable')
      const stopped = executor.execute(taskFor(path, { stop: true }, { env, deadline: clock.now() + 400 }))
      await client.paused()
      await clock.passDeadline(400)
      await client.call('Debugger.resume')
      expect(resultOf(await stopped)).toMatchObject({ calls: 2 })
      expect(task.lines.map(({ text }) => text)).toEqual(['call 1'])
    } finally {
      if (before === undefined) delete process.env.NODE_OPTIONS
      else process.env.NODE_OPTIONS = before
      delete process.env[variable]
    }
  },
)
