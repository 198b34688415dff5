import { once } from 'node:events'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { childProcesses } from '../../src/executors/child-process.js'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Executor } from '../../src/index.js'
import { CdpSocket } from '../support/cdp.js'
import { freePort } from '../support/free-port.js'
import { AskingClock } from './asking-clock.js'
import { errorOf, projectOfFile, resultOf, taskFor } from './handler-project.js'

interface Target {
  readonly title: string
  readonly webSocketDebuggerUrl: string
}

const project = await projectOfFile()
let executor: Executor
let client: CdpSocket | undefined

const COUNTING = `let calls = 0
export const handler = async ({ stop }) => {
  calls++
  if (stop) debugger
  return calls
}`

afterEach(async () => {
  await executor.close()
  await client?.close()
  client = undefined
})

const portOf = (functionId: string) => executor.stats?.()[functionId]?.inspectPort

async function targetsAt(port: number | undefined): Promise<Target[]> {
  return (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as Target[]
}

async function attachTo(port: number | undefined): Promise<CdpSocket> {
  client = await CdpSocket.connect((await targetsAt(port))[0]?.webSocketDebuggerUrl)
  return client
}

describe('the port of a function that runs in threads', () => {
  test('leads to its worker, and leaves paused code alone at the deadline', async () => {
    const clock = new AskingClock()
    executor = workerThreads({ inspect: { api: 0 }, clock })
    const path = await project.write('paused.mjs', COUNTING)
    await executor.execute(taskFor(path))
    await executor.execute(taskFor(path, {}, { functionId: 'other' }))
    expect(await targetsAt(portOf('api'))).toMatchObject([{ title: 'api' }])
    expect(portOf('other')).toBeUndefined()

    const debug = await attachTo(portOf('api'))
    await debug.call('Debugger.enable')
    const stopped = executor.execute(taskFor(path, { stop: true }, { deadline: clock.now() + 300 }))
    const paused = await debug.paused()
    await clock.passDeadline(300)
    expect(await debug.read(paused, 'calls')).toBe(2)
    await debug.call('Debugger.resume')
    expect(resultOf(await stopped)).toBe(2)
  })

  test('a debugger that leaves while the code is paused lets it go on, and stops it no more', async () => {
    executor = workerThreads({ inspect: true })
    const path = await project.write('left.mjs', COUNTING)
    await executor.execute(taskFor(path))
    const debug = await attachTo(portOf('api'))
    await debug.call('Debugger.enable')
    const stopped = executor.execute(taskFor(path, { stop: true }))
    await debug.paused()
    await debug.close()
    expect(resultOf(await stopped)).toBe(2)
    expect(resultOf(await executor.execute(taskFor(path, { stop: true })))).toBe(3)
  })

  test('stays when the worker ends: the debugger is notified, and finds the next worker there', async () => {
    const port = await freePort()
    executor = workerThreads({ inspect: { api: port } })
    expect(await targetsAt(port)).toEqual([])
    const path = await project.write('reloaded.mjs', COUNTING)
    await executor.execute(taskFor(path))
    const [old] = await targetsAt(port)
    const debug = await attachTo(port)
    await executor.reload('api')
    await debug.closed
    await executor.execute(taskFor(path))
    const [fresh] = await targetsAt(port)
    expect(fresh?.webSocketDebuggerUrl).not.toBe(old?.webSocketDebuggerUrl)
    await expect(CdpSocket.connect(old?.webSocketDebuggerUrl)).rejects.toThrow(/404/)
    expect(await (await attachTo(port)).call('Runtime.evaluate', { expression: '6 * 7' })).toMatchObject({
      result: { value: 42 },
    })
  })

  test('one worker for each environment, the one used last first', async () => {
    executor = workerThreads({ inspect: true })
    const path = await project.write('several.mjs', COUNTING)
    for (const environmentId of ['one', 'two', 'one']) {
      await executor.execute(taskFor(path, {}, { environmentId }))
    }
    const debug = await attachTo(portOf('api'))
    expect(await targetsAt(portOf('api'))).toHaveLength(2)
    await debug.call('Debugger.enable')
    const stopped = executor.execute(taskFor(path, { stop: true }, { environmentId: 'one' }))
    const paused = await debug.paused()
    expect(await debug.read(paused, 'calls')).toBe(3)
    await debug.call('Debugger.resume')
    await stopped
  })
})

test.each([
  ['workerThreads()', workerThreads],
  ['childProcesses()', childProcesses],
])('%s reports a taken port, and takes it when it is free', async (_name, factory) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  executor = factory({ inspect: { api: port } })
  const path = await project.write('taken.mjs', COUNTING)
  await expect(executor.execute(taskFor(path))).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(new RegExp(`'inspect'.*'api'.*${port}.*EADDRINUSE`)),
  })
  expect(resultOf(await executor.execute(taskFor(path, {}, { functionId: 'other' })))).toBe(1)
  await new Promise((resolve) => other.close(resolve))
  expect(resultOf(await executor.execute(taskFor(path)))).toBe(1)
  expect(portOf('api')).toBe(port)
})

test('a web page that had its own name lead here is refused', async () => {
  executor = workerThreads({ inspect: true })
  const path = await project.write('page.mjs', COUNTING)
  await executor.execute(taskFor(path))
  const options = { port: portOf('api'), host: '127.0.0.1', path: '/json/list' }
  const request = get({ ...options, headers: { host: `evil.example:${options.port}` } })
  const [response] = await once(request, 'response')
  expect(response.statusCode).toBe(400)
  response.resume()
})

test.each([
  ['a port that is none', { inspect: { api: 70_000 } }],
  ['a number', { inspect: 9229 }],
  ['nothing', { inspect: null }],
  ['a list', { inspect: [9229] }],
])('%s is refused at construction', (_name, options) => {
  executor = workerThreads()
  expect(() => workerThreads(options as never)).toThrow(/'inspect' must be/)
  expect(() => childProcesses(options as never)).toThrow(/'inspect' must be/)
})

test.each([
  ['worker threads', workerThreads],
  ['child processes', childProcesses],
])('after close() none opens: %s', async (_, make) => {
  const path = await project.write('late.mjs', COUNTING)
  executor = make({ inspect: true })
  await executor.close()
  const listening = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length
  const before = listening()
  await expect(executor.execute(taskFor(path))).rejects.toMatchObject({ code: 'CLOSED' })
  expect(listening()).toBe(before)
})

test('code that is stopped for good while it is paused leaves no thread', async () => {
  const clock = new AskingClock()
  executor = workerThreads({ inspect: true, clock })
  const path = await project.write('stopped.mjs', COUNTING)
  await executor.execute(taskFor(path))
  const debug = await attachTo(portOf('api'))
  await debug.call('Debugger.enable')
  const stopped = executor.execute(taskFor(path, { stop: true }, { deadline: clock.now() + 300 }))
  await debug.paused()
  await clock.passDeadline(300)
  await executor.close()
  expect(errorOf(await stopped).errorType).toBe('Sandbox.Timedout')
  await debug.closed
})
