import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import inspector from 'node:inspector'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Executor } from '../../src/index.js'
import { esbuild } from '../../src/sources/esbuild.js'
import { CdpSocket } from '../support/cdp.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { errorOf, projectOfFile, resultOf, taskFor } from './handler-project.js'

const project = await projectOfFile()
let executor: Executor
let client: CdpSocket | undefined

/** Answers how often it was called; stops at the statement when it is told to. */
const COUNTING = `let calls = 0
export const handler = async ({ stop, loop }) => {
  calls++
  if (stop) debugger
  while (loop) {}
  return calls
}`

const ORDERS = `interface Order { readonly id: number; readonly items: readonly number[] }
let calls = 0

export async function handler(order: Order): Promise<object> {
  calls++
  const total = order.items.reduce((sum, price) => sum + price, 0)
  return { total, calls }
}
`
const TOTAL_LINE = ORDERS.split('\n').findIndex((line) => line.includes('return { total')) + 1

beforeEach(() => {
  // The client takes the first thread of a function's name, which must not be a spare.
  executor = workerThreads({ spares: 0 })
})

afterEach(async () => {
  // First: closing the inspector blocks until its clients have gone, and this one is in the same thread.
  await client?.close()
  client = undefined
  inspector.close()
  await executor.close()
})

/** A debugger of this process, as when its host was started with \`--inspect\`. */
async function debuggerOfHost(): Promise<CdpSocket> {
  inspector.open(0, '127.0.0.1')
  client = await CdpSocket.connect(inspector.url())
  return client
}

describe('a debugger of the host', () => {
  test('stops at a line of TypeScript during a live invocation, reads a variable, and lets it go on', async () => {
    const debug = await debuggerOfHost()
    await using tether = new Tether()
    const entry = await project.write('orders.ts', ORDERS)
    const session = tether.session().serve({ executor, functions: { api: esbuild({ entry }) } })
    await session.open()
    const stub = tether.stub()
    expect(await stub({ id: 1, items: [1] }, stubContext())).toEqual({ total: 1, calls: 1 })

    const worker = await debug.worker('api')
    const breakpoint = await worker.breakAt(entry, TOTAL_LINE)
    const acknowledged = new Promise((resolve) => session.once('ack', resolve))
    const answer = stub({ id: 2, items: [20, 22] }, stubContext())
    const paused = await worker.paused()
    await acknowledged
    expect(paused.hitBreakpoints).toEqual([breakpoint])
    expect(await worker.read(paused, 'total')).toBe(42)
    expect(await worker.read(paused, 'order.id')).toBe(2)
    await worker.call('Debugger.resume')
    expect(await answer).toEqual({ total: 42, calls: 2 })
  })

  test('a pause that outlasts the remote deadline: the stub gives up, the late outcome is a discard', async () => {
    const debug = await debuggerOfHost()
    await using tether = new Tether()
    const entry = await project.write('late.ts', ORDERS)
    const session = tether.session().serve({ executor, functions: { api: esbuild({ entry }) } })
    await session.open()
    const stub = tether.stub()
    await stub({ items: [] }, stubContext())
    const worker = await debug.worker('api')
    await worker.breakAt(entry, TOTAL_LINE)

    const failed = new Promise<string>((resolve) =>
      session.once('fail', (_invocation, { error }) => resolve(error.errorType)),
    )
    const answer = stub({ items: [7] }, stubContext({ remainingMs: 900 }))
    const paused = await worker.paused()
    await expect(answer).rejects.toThrow(/time/i)
    expect(await failed).toBe('LambdaTether.DEADLINE')
    // Long after: it is still there.
    expect(await worker.read(paused, 'total')).toBe(7)
    const discarded = new Promise((resolve) => session.once('discard', resolve))
    await worker.call('Debugger.disable')
    expect(await discarded).toMatchObject({ reason: 'late' })
    expect(await stub({ items: [] }, stubContext())).toEqual({ total: 0, calls: 3 })
  })

  test('a closing session does not wait for paused code after its caller gave up', async () => {
    const debug = await debuggerOfHost()
    await using tether = new Tether()
    const path = await project.write('closing.mjs', COUNTING)
    const source = { load: async () => ({ kind: 'file', path, exportName: 'handler' }) as const }
    const session = tether.session().serve({ executor, functions: { api: source } })
    await session.open()
    const stub = tether.stub()
    await stub({}, stubContext())
    const worker = await debug.worker('api')
    await worker.call('Debugger.enable')
    const failed = new Promise((resolve) => session.once('fail', resolve))
    const answer = stub({ stop: true }, stubContext({ remainingMs: 900 }))
    await Promise.all([worker.paused(), expect(answer).rejects.toThrow(), failed])
    await session.close()
  })
})

describe('the local deadline', () => {
  test('leaves paused code alone, and starts again when it resumes', async () => {
    const debug = await debuggerOfHost()
    const path = await project.write('paused.mjs', COUNTING)
    await executor.execute(taskFor(path))
    const worker = await debug.worker('api')
    await worker.call('Debugger.enable')
    const stopped = executor.execute(taskFor(path, { stop: true }, { deadline: Date.now() + 300 }))
    const paused = await worker.paused()
    await afterDeadlineOf(300)
    expect(await worker.read(paused, 'calls')).toBe(2)
    await worker.call('Debugger.resume')
    expect(resultOf(await stopped)).toBe(2)
    // The same thread, whose debugger still stops it.
    const again = executor.execute(taskFor(path, { stop: true }))
    await worker.paused()
    await worker.call('Debugger.resume')
    expect(resultOf(await again)).toBe(3)
  })

  test('ends an endless loop that is not paused, as without a debugger', async () => {
    const debug = await debuggerOfHost()
    const path = await project.write('loop.mjs', COUNTING)
    await executor.execute(taskFor(path))
    const worker = await debug.worker('api')
    await worker.call('Debugger.enable')
    const outcome = await executor.execute(taskFor(path, { loop: true }, { deadline: Date.now() + 300 }))
    expect(errorOf(outcome).errorType).toBe('Sandbox.Timedout')
    expect(resultOf(await executor.execute(taskFor(path)))).toBe(1)
  })

  test('ends a loop that code goes into after a pause', async () => {
    const debug = await debuggerOfHost()
    const path = await project.write('loop-later.mjs', COUNTING)
    await executor.execute(taskFor(path))
    const worker = await debug.worker('api')
    await worker.call('Debugger.enable')
    const task = taskFor(path, { stop: true, loop: true }, { deadline: Date.now() + 300 })
    const stopped = executor.execute(task)
    await worker.paused()
    await afterDeadlineOf(300)
    await worker.call('Debugger.resume')
    expect(errorOf(await stopped)).toMatchObject({ errorType: 'Sandbox.Timedout' })
  })

  test('ends code that waits in a system call and answers no inspector', async () => {
    await debuggerOfHost()
    const pipe = join(project.folder, 'never-written')
    execFileSync('mkfifo', [pipe])
    const path = await project.write(
      'waits-for-a-writer.mjs',
      `import { openSync, readSync } from 'node:fs'
       export const handler = async () => readSync(openSync(${JSON.stringify(pipe)}, 'r'), Buffer.alloc(1))`,
    )
    const outcome = await executor.execute(taskFor(path, {}, { deadline: Date.now() + 300 }))
    expect(errorOf(outcome).errorType).toBe('Sandbox.Timedout')
    // Opened for both, it waits for no reader.
    const both = openSync(pipe, 'r+')
    writeSync(both, 'x')
    await executor.close()
    closeSync(both)
  })

  test('an open inspector without a debugger makes nothing stop', async () => {
    inspector.open(0, '127.0.0.1')
    const path = await project.write('nobody.mjs', COUNTING)
    // Asked while it runs, too.
    const waiting = `export const handler = async () => { await new Promise((resolve) => setTimeout(resolve, 60_000)) }`
    const other = await project.write('waiting.mjs', waiting)
    expect(resultOf(await executor.execute(taskFor(path, { stop: true })))).toBe(1)
    const outcome = await executor.execute(
      taskFor(other, {}, { functionId: 'other', deadline: Date.now() + 200 }),
    )
    expect(errorOf(outcome).errorType).toBe('Sandbox.Timedout')
  })

  test('a caller that gives up for another reason stops paused code at once', async () => {
    const debug = await debuggerOfHost()
    const path = await project.write('abort.mjs', COUNTING)
    await executor.execute(taskFor(path))
    const worker = await debug.worker('api')
    await worker.call('Debugger.enable')
    const caller = new AbortController()
    const stopped = executor.execute(taskFor(path, { stop: true }), caller)
    await worker.paused()
    caller.abort(new TetherError('DISPLACED', 'another session'))
    await expect(stopped).rejects.toMatchObject({ code: 'DISPLACED' })
    expect(resultOf(await executor.execute(taskFor(path)))).toBe(1)
  })

  test('closing the executor ends code that is paused past its deadline', async () => {
    const debug = await debuggerOfHost()
    const path = await project.write('close.mjs', COUNTING)
    await executor.execute(taskFor(path))
    const worker = await debug.worker('api')
    await worker.call('Debugger.enable')
    const stopped = executor.execute(taskFor(path, { stop: true }, { deadline: Date.now() + 300 }))
    await worker.paused()
    await afterDeadlineOf(300)
    await executor.close()
    expect(errorOf(await stopped).errorType).toBe('Sandbox.Timedout')
  })
})

/** Waits until what was due when that deadline passed has been asked of the thread and answered. */
async function afterDeadlineOf(timeLimitMs: number): Promise<void> {
  await once(AbortSignal.timeout(timeLimitMs + 500), 'abort')
}
