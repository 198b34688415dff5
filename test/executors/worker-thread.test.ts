import { BroadcastChannel } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Executor, Outcome } from '../../src/index.js'
import { contextOf, errorOf, NODE_RUNTIME, projectOfFile, resultOf, taskFor } from './handler-project.js'

const project = await projectOfFile()
let executor: Executor

beforeEach(() => {
  executor = workerThreads()
})

afterEach(() => executor.close())

/** Runs a handler's source with one event. */
async function run(name: string, source: string, event: unknown = {}, changes = {}) {
  return executor.execute(taskFor(await project.write(name, source), event, changes))
}

describe('handlers', () => {
  test.each([
    ['an ES module', 'esm.mjs', 'export const handler = async (event) => ({ got: event.n })'],
    ['a CommonJS module', 'common.cjs', 'exports.handler = async (event) => ({ got: event.n })'],
    [
      'a CommonJS module whose exports only running it shows',
      'computed.cjs',
      'module.exports = Object.fromEntries([["handler", async (event) => ({ got: event.n })]])',
    ],
    [
      'a promise that is no async function’s',
      'promise.mjs',
      'export const handler = (event) => Promise.resolve({ got: event.n })',
    ],
    ['a plain value', 'plain.mjs', 'export const handler = (event) => ({ got: event.n })'],
    [
      'a callback',
      'callback.mjs',
      'export const handler = (event, context, callback) => { setTimeout(() => callback(null, { got: event.n }), 1) }',
    ],
    [
      'context.succeed',
      'succeed.mjs',
      'export const handler = (event, context) => { setTimeout(() => context.succeed({ got: event.n }), 1) }',
    ],
    [
      'context.done',
      'done.mjs',
      'export const handler = (event, context) => { context.done(null, { got: event.n }) }',
    ],
  ])('%s', async (_, name, source) => {
    expect(resultOf(await run(name, source, { n: 42 }))).toEqual({ got: 42 })
  })

  test('an export inside an object', async () => {
    const path = await project.write('nested.mjs', 'export const app = { handler: async () => "nested" }')
    const outcome = await executor.execute(
      taskFor(path, {}, { build: { kind: 'file', path, exportName: 'app.handler' } }),
    )
    expect(resultOf(outcome)).toBe('nested')
  })

  test.each([
    ['undefined', 'async () => {}'],
    ['a function that ends without an answer', '() => {}'],
    ['a callback without a result', '(event, context, callback) => callback()'],
  ])('%s becomes null', async (_, handler) => {
    expect(resultOf(await run(`${handler.length}-null.mjs`, `export const handler = ${handler}`))).toBeNull()
  })

  test('a callback waits for the event loop to run empty, unless told not to, and an error never waits', async () => {
    const source = (waits: boolean, end: string) => `
      export const handler = (event, context, callback) => {
        context.callbackWaitsForEmptyEventLoop = ${waits}
        const seen = []
        setTimeout(() => seen.push('later'), 20)
        callback(${end})
      }`
    expect(resultOf(await run('waits.mjs', source(true, 'null, seen')))).toEqual(['later'])
    expect(resultOf(await run('hurries.mjs', source(false, 'null, seen')))).toEqual([])
    expect(errorOf(await run('fails.mjs', source(true, 'new RangeError("no")'))).errorType).toBe('RangeError')
  })

  test('after an empty event loop the same worker takes the next invocation', async () => {
    const path = await project.write(
      'again.mjs',
      'let n = 0; export const handler = (event, context, callback) => { n++; setTimeout(() => callback(null, n), 1) }',
    )
    for (const n of [1, 2, 3]) expect(resultOf(await executor.execute(taskFor(path)))).toBe(n)
  })

  test('only the first end counts', async () => {
    const source = `export const handler = (event, context, callback) => {
      context.callbackWaitsForEmptyEventLoop = false
      callback(null, 'first'); callback(null, 'second'); context.fail(new Error('third'))
      return Promise.reject(new Error('fourth'))
    }`
    expect(resultOf(await run('first.mjs', source))).toBe('first')
  })
})

describe('context and environment', () => {
  test('has every field of Lambda’s and nothing else', async () => {
    const source = `export const handler = async (event, context) => {
      const { done, fail, succeed, getRemainingTimeInMillis, ...fields } = context
      return { fields, methods: [done, fail, succeed, getRemainingTimeInMillis].map((method) => typeof method) }
    }`
    const context = {
      ...contextOf('r-9'),
      clientContext: { custom: { a: 1 } },
      identity: { cognitoIdentityId: 'x' },
      tenantId: 't',
    }
    const { fields, methods } = resultOf(
      await run('context.mjs', source, {}, { context: { ...context, traceId: 'Root=1' } }),
    ) as Record<string, unknown>
    const fromNode24 = Number.parseInt(process.versions.node, 10) >= 24 ? { xRayTraceId: 'Root=1' } : {}
    expect(fields).toEqual({ ...context, ...fromNode24, callbackWaitsForEmptyEventLoop: true })
    expect(methods).toEqual(['function', 'function', 'function', 'function'])
  })

  test('the remaining time is the deadline’s and counts down', async () => {
    const source = `export const handler = async (event, context) => {
      const before = context.getRemainingTimeInMillis()
      await new Promise((resolve) => setTimeout(resolve, 30))
      return [before, context.getRemainingTimeInMillis()]
    }`
    const [before, after] = resultOf(
      await run('remaining.mjs', source, {}, { deadline: Date.now() + 9000 }),
    ) as [number, number]
    expect(before).toBeGreaterThan(4000)
    expect(before).toBeLessThanOrEqual(9000)
    expect(before - after).toBeGreaterThanOrEqual(29)
  })

  test('an injected clock’s deadline is translated to the machine’s', async () => {
    const clock = { now: () => 1000, schedule: () => () => {} }
    await using other = workerThreads({ clock })
    const path = await project.write(
      'clock.mjs',
      'export const handler = async (event, context) => context.getRemainingTimeInMillis()',
    )
    const left = resultOf(await other.execute(taskFor(path, {}, { deadline: 9000 }))) as number
    expect(left).toBeGreaterThan(4000)
    expect(left).toBeLessThanOrEqual(8000)
  })

  test('the trace id is set for each invocation and gone without one', async () => {
    const path = await project.write(
      'trace.mjs',
      'export const handler = async () => process.env._X_AMZN_TRACE_ID ?? null',
    )
    const traced = (traceId: string) => taskFor(path, {}, { context: { ...contextOf('r'), traceId } })
    expect(resultOf(await executor.execute(traced('Root=1')))).toBe('Root=1')
    expect(resultOf(await executor.execute(traced('Root=2')))).toBe('Root=2')
    expect(resultOf(await executor.execute(taskFor(path)))).toBeNull()
  })

  test('local code sees the function’s environment, PATH, HOME and inherited variables, and nothing else of the host', async () => {
    vi.stubEnv('HOST_SECRET', 'do not show')
    vi.stubEnv('HOST_ALLOWED', 'shown')
    vi.stubEnv('BOTH', 'the host’s')
    try {
      const inheritEnv = ['HOST_ALLOWED', 'BOTH', 'NOT_SET_ANYWHERE']
      await using open = workerThreads({ inheritEnv, allowEnv: ['NODE_OPTIONS'] })
      const path = await project.write(
        'env.mjs',
        `import { workerData } from 'node:worker_threads'
         const early = { ...process.env }
         export const handler = async () => ({ early, now: { ...process.env }, data: Object.keys(workerData), flags: process.execArgv })`,
      )
      const env = {
        MINE: '1',
        BOTH: 'the function’s',
        NODE_OPTIONS: '--max-http-header-size=1 --not-an-option',
      }
      const { PATH, HOME } = process.env
      const ofRuntime = { LAMBDA_TASK_ROOT: project.folder, AWS_EXECUTION_ENV: NODE_RUNTIME }
      const expected = { ...env, HOST_ALLOWED: 'shown', PATH, HOME, ...ofRuntime }
      const seen = resultOf(await open.execute(taskFor(path, {}, { env })))
      expect(seen).toEqual({ early: expected, now: expected, data: [], flags: [] })
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test('a changed environment is applied in the running worker: its module’s state and its own variables stay', async () => {
    const path = await project.write(
      'changing.mjs',
      `let calls = 0
       export const handler = async () => {
         process.env.OWN ??= 'set by code'
         const { A, B, C, OWN } = process.env
         return { calls: ++calls, A, B, C, OWN }
       }`,
    )
    const call = async (env: Record<string, string>) =>
      resultOf(await executor.execute(taskFor(path, {}, { env })))
    expect(await call({ A: '1', B: '1' })).toEqual({ calls: 1, A: '1', B: '1', OWN: 'set by code' })
    expect(await call({ A: '1', B: '1' })).toEqual({ calls: 2, A: '1', B: '1', OWN: 'set by code' })
    expect(await call({ A: '2', C: '3' })).toEqual({ calls: 3, A: '2', C: '3', OWN: 'set by code' })
  })
})

describe('one worker for each execution environment', () => {
  test('module state lives as long as the environment, and environments run at the same time', async () => {
    const path = await project.write(
      'state.mjs',
      `import { threadId } from 'node:worker_threads'
       let calls = 0
       export const handler = async () => ({ calls: ++calls, threadId })`,
    )
    const call = async (environmentId: string) =>
      resultOf(await executor.execute(taskFor(path, {}, { environmentId }))) as {
        calls: number
        threadId: number
      }
    const [a1, b1] = await Promise.all([call('a'), call('b')])
    const a2 = await call('a')
    expect([a1.calls, b1.calls, a2.calls]).toEqual([1, 1, 2])
    expect(a2.threadId).toBe(a1.threadId)
    expect(b1.threadId).not.toBe(a1.threadId)
  })

  test('an environment that never yields holds up neither the host nor another environment', async () => {
    const path = await project.write(
      'spin.mjs',
      'export const handler = async ({ spin }) => { while (spin); return "free" }',
    )
    const stuck = executor.execute(
      taskFor(path, { spin: true }, { environmentId: 'stuck', deadline: Date.now() + 1500 }),
    )
    expect(resultOf(await executor.execute(taskFor(path, {}, { environmentId: 'free' })))).toBe('free')
    expect(errorOf(await stuck).errorType).toBe('Sandbox.Timedout')
  })

  test('after a reload the next invocation runs the new code, and a running one finishes on the old', async () => {
    const version = (n: number) => `
      import { BroadcastChannel } from 'node:worker_threads'
      export const handler = async ({ wait }) => {
        if (!wait) return ${n}
        const channel = new BroadcastChannel(wait)
        const released = new Promise((resolve) => { channel.onmessage = resolve })
        console.log('running')
        await released
        channel.close()
        return ${n}
      }`
    const path = await project.write('reload.mjs', version(1))
    const idle = taskFor(path, {}, { environmentId: 'idle' })
    expect(resultOf(await executor.execute(idle))).toBe(1)
    let outcome: Promise<Outcome> | undefined
    await new Promise<void>((resolve) => {
      const changes = { environmentId: 'busy', onLog: () => resolve() }
      outcome = executor.execute(taskFor(path, { wait: 'reload-test' }, changes))
    })

    await project.write('reload.mjs', version(2))
    await executor.reload('api')
    expect(resultOf(await executor.execute(idle))).toBe(2)
    const release = new BroadcastChannel('reload-test')
    release.postMessage('go')
    expect(resultOf(await outcome!)).toBe(1)
    release.close()
    expect(resultOf(await executor.execute(taskFor(path, {}, { environmentId: 'busy' })))).toBe(2)
  })
})

describe('payloads', () => {
  test('6 MB each way, and the caller keeps its event', async () => {
    const path = await project.write('big.mjs', 'export const handler = async ({ text }) => text + "!"')
    const text = '漢'.repeat(2 * 1024 * 1024 - 50)
    const whole = new TextEncoder().encode(`____${JSON.stringify({ text })}____`)
    // A view into a larger buffer, as it comes from a frame.
    const event = whole.subarray(4, -4)
    const outcome = await executor.execute(taskFor(path, {}, { event }))
    expect(resultOf(outcome)).toBe(`${text}!`)
    expect(event.byteLength).toBe(6 * 1024 * 1024 - 150 + '{"text":""}'.length)
  })

  test.each([
    ['a BigInt', '({ n: 1n })', /BigInt/],
    ['a circle', '(() => { const a = {}; a.a = a; return a })()', /circular/],
    ['a toJSON that throws', '({ toJSON() { throw new Error("not me") } })', /not me/],
  ])('%s cannot be an answer, and the error says so', async (_, expression, message) => {
    const error = errorOf(await run('marshal.mjs', `export const handler = async (event) => ${expression}`))
    expect(error).toMatchObject({
      errorType: 'Runtime.MarshalError',
      errorMessage: expect.stringMatching(message),
    })
    await executor.reload('api')
  })

  test('an event that is no JSON is an error of that invocation alone', async () => {
    const path = await project.write('json.mjs', 'let n = 0; export const handler = async () => ++n')
    const broken = await executor.execute(taskFor(path, {}, { event: new TextEncoder().encode('{"a":') }))
    expect(errorOf(broken).errorType).toBe('SyntaxError')
    expect(resultOf(await executor.execute(taskFor(path)))).toBe(1)
  })
})

describe('limits', () => {
  test('a handler of this process is refused', async () => {
    const build = { kind: 'module', load: async () => async () => 1 } as const
    await expect(executor.execute(taskFor('', {}, { build }))).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  test.each([
    [{ maxWorkers: 0 }, 'maxWorkers'],
    [{ idleMs: -1 }, 'idleMs'],
    [{ inheritEnv: 'PATH' }, 'inheritEnv'],
    [{ resourceLimits: null }, 'resourceLimits'],
    [{ resourceLimits: { maxOldGenerationMb: 128 } }, 'resourceLimits'],
    [{ resourceLimits: { stackSizeMb: '4' } }, 'resourceLimits'],
    [null, 'workerThreads'],
    [{ maxWorker: 3 }, 'maxWorker'],
  ])('the option %j is refused by name', (options, name) => {
    expect(() => workerThreads(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(name) }),
    )
  })
})
