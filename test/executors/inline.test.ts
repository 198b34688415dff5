import { describe, expect, test, vi } from 'vitest'
import { inline } from '../../src/executors/inline.js'
import type { FunctionBuild, Handler, Task } from '../../src/index.js'
import { ManualClock } from '../support/manual-clock.js'
import { contextOf, errorOf, resultOf, taskFor } from './handler-project.js'

const module = (handler: Handler): FunctionBuild => ({ kind: 'module', load: async () => handler })

function run(handler: Handler, event: unknown = {}, changes: Partial<Task> = {}) {
  return inline().execute(taskFor('', event, { build: module(handler), ...changes }))
}

test.each([[{ clok: 1 }], [null]])('the options %j are refused', (options) => {
  expect(() => inline(options as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test('it says that it shares the event loop', () => {
  expect(inline()).toMatchObject({ name: 'inline', sharesEventLoop: true })
})

describe('handlers', () => {
  const cases: [string, Handler, unknown][] = [
    ['async', async (event) => ({ got: event.n }), { got: 1 }],
    ['synchronous', (event) => ({ got: event.n }), { got: 1 }],
    ['without a value', () => {}, null],
    [
      'with a callback',
      (event, _, callback) => setTimeout(() => callback?.(null, { got: event.n }), 1),
      { got: 1 },
    ],
    ['with context.succeed', async (event, context) => context.succeed({ got: event.n }), { got: 1 }],
  ]
  test.each(cases)('%s', async (_, handler, expected) => {
    expect(resultOf(await run(handler, { n: 1 }))).toEqual(expected)
  })

  test('the context has Lambda’s fields and a deadline that counts down', async () => {
    const clock = new ManualClock(5000)
    const seen: number[] = []
    const handler: Handler = async (_, context) => {
      seen.push(context.getRemainingTimeInMillis())
      await clock.advance(400)
      seen.push(context.getRemainingTimeInMillis())
      return context
    }
    const task = taskFor('', {}, { build: module(handler), deadline: 8000 })
    expect(resultOf(await inline({ clock }).execute(task))).toEqual({
      ...contextOf('request-1'),
      callbackWaitsForEmptyEventLoop: true,
    })
    expect(seen).toEqual([3000, 2600])
    expect(clock.pending).toBe(0)
  })
})

describe('errors', () => {
  test('an error thrown by a handler is the outcome', async () => {
    const thrown = errorOf(
      await run(async () => Promise.reject(new RangeError('far', { cause: new Error('near') }))),
    )
    expect(thrown).toMatchObject({
      errorType: 'RangeError',
      errorMessage: 'far',
      cause: { errorMessage: 'near' },
    })
    expect(thrown.trace.join('\n')).toContain('inline.test.ts')
    const synchronous: Handler = () => {
      throw new TypeError('now')
    }
    expect(errorOf(await run(synchronous))).toMatchObject({ errorType: 'TypeError', errorMessage: 'now' })
  })

  test('a failed load, a non-function handler, and a non-JSON answer or event are errors', async () => {
    const failing = { kind: 'module', load: async () => Promise.reject(new Error('cannot load')) } as const
    const executor = inline()
    expect(errorOf(await executor.execute(taskFor('', {}, { build: failing }))).errorMessage).toBe(
      'cannot load',
    )
    expect(errorOf(await run('handler' as never)).errorMessage).toMatch(/not a function/)
    expect(errorOf(await run(async () => 1n)).errorType).toBe('Runtime.MarshalError')
    expect(errorOf(await run(async () => 1, {}, { event: Buffer.from('{') })).errorType).toBe('SyntaxError')
  })

  test('a module on disk is refused with a remedy', async () => {
    await expect(inline().execute(taskFor('/api.mjs'))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('workerThreads()'),
    })
  })
})

test('at the deadline the invocation fails with Lambda’s message, and a late answer is ignored', async () => {
  const clock = new ManualClock(0)
  let late = (_: unknown) => {}
  const handler: Handler = () =>
    new Promise((resolve) => {
      late = resolve
    })
  const outcome = inline({ clock }).execute(taskFor('', {}, { build: module(handler), deadline: 2500 }))
  await clock.advance(2500)
  expect(errorOf(await outcome)).toEqual({
    errorType: 'Sandbox.Timedout',
    errorMessage: 'RequestId: request-1 Error: Task timed out after 2.50 seconds',
    trace: [],
  })
  late('too late')
  const over = taskFor('', {}, { build: module(handler), deadline: 2500 })
  expect(errorOf(await inline({ clock }).execute(over)).errorType).toBe('Sandbox.Timedout')
})

test('an abort rejects and leaves no timer', async () => {
  const clock = new ManualClock()
  const executor = inline({ clock })
  const task = () =>
    taskFor('', {}, { build: module(() => new Promise(() => {})), deadline: clock.now() + 1000 })
  const abort = new AbortController()
  const running = executor.execute(task(), { signal: abort.signal })
  abort.abort(new Error('enough'))
  await expect(running).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } })
  await expect(executor.execute(task(), { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ABORTED',
  })
  expect(clock.pending).toBe(0)
})

test('a handler is asked for once, and again after a reload, another build, or a failure', async () => {
  const executor = inline()
  const load = vi.fn(async (): Promise<Handler> => async () => load.mock.calls.length)
  const build: FunctionBuild = { kind: 'module', load }
  const call = async (changes: Partial<Task> = {}) =>
    resultOf(await executor.execute(taskFor('', {}, { build, ...changes })))
  expect([await call(), await call()]).toEqual([1, 1])
  await executor.reload('api')
  expect([await call(), await call()]).toEqual([2, 2])
  expect(await call({ build: { kind: 'module', load } })).toBe(3)
  await executor.reload('api')
  load.mockRejectedValueOnce(new Error('once'))
  expect(errorOf(await executor.execute(taskFor('', {}, { build }))).errorMessage).toBe('once')
  expect(await call()).toBe(5)
})

test('close waits for running invocations and refuses later ones', async () => {
  const executor = inline()
  let answer = (_: unknown) => {}
  const build = module(
    () =>
      new Promise((resolve) => {
        answer = resolve
      }),
  )
  const running = executor.execute(taskFor('', {}, { build }))
  await new Promise(setImmediate)
  let closed = false
  const closing = executor.close().then(() => {
    closed = true
  })
  await expect(executor.execute(taskFor('', {}, { build }))).rejects.toMatchObject({ code: 'CLOSED' })
  expect(closed).toBe(false)
  answer('done')
  expect(resultOf(await running)).toBe('done')
  await closing
})
