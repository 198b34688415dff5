import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { FunctionLog, InvocationReport } from '../../src/local/index.js'
import { eventually } from '../support/eventually.js'
import { ManualClock } from '../support/manual-clock.js'
import { alive, event, folder, json, lambdaHost, localFunction, processState } from './lambda-fixture.js'

const linux = process.platform === 'linux'

describe('the environment of a function', () => {
  test('has Lambda’s variables, its own, and PATH', async () => {
    const host = lambdaHost({ region: 'eu-west-1', environment: { AWS_ENDPOINT_URL_SNS: 'http://sns' } })
    const fn = await localFunction(
      host,
      `exports.handler = async () => ({ env: process.env, cwd: process.cwd(), zone: new Date(0).getHours() })`,
      {
        environment: { MINE: 'a b' },
        memoryMb: 256,
        credentials: { accessKeyId: 'AKIA', secretAccessKey: 's', sessionToken: 't' },
      },
    )
    const { env, cwd, zone } = json(await fn.invoke())
    const { LAMBDA_TASK_ROOT, AWS_LAMBDA_RUNTIME_API, LAMBDA_RUNTIME_DIR, ...rest } = env
    expect(rest).toEqual({
      PATH: process.env.PATH,
      LANG: 'en_US.UTF-8',
      TZ: ':UTC',
      MINE: 'a b',
      AWS_ENDPOINT_URL_SNS: 'http://sns',
      _HANDLER: 'index.handler',
      _X_AMZN_TRACE_ID: expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};/),
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`,
      AWS_LAMBDA_FUNCTION_NAME: 'fn',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/fn',
      AWS_LAMBDA_LOG_STREAM_NAME: expect.stringContaining('[$LATEST]'),
      AWS_ACCESS_KEY_ID: 'AKIA',
      AWS_SECRET_ACCESS_KEY: 's',
      AWS_SESSION_TOKEN: 't',
    })
    expect(AWS_LAMBDA_RUNTIME_API).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(existsSync(LAMBDA_RUNTIME_DIR)).toBe(true)
    expect(cwd).toBe(LAMBDA_TASK_ROOT)
    expect(zone).toBe(0)
    expect(fn.arn).toBe('arn:aws:lambda:eu-west-1:123456789012:function:fn')
  })

  test('may measure 4,096 bytes and not one more', async () => {
    const host = lambdaHost()
    const bundle = await folder({})
    const fits = { AA: 'x'.repeat(4096 - '{"AA":""}'.length) }
    host.function({ name: 'fits', bundle, environment: fits })
    expect(() => host.function({ name: 'over', bundle, environment: { AA: `${fits.AA}x` } })).toThrow(
      /measures 4097 bytes; Lambda allows 4096/,
    )
  })
})

describe('a definition', () => {
  test.each([
    ['a reserved variable', { environment: { AWS_REGION: 'x' } }, "'AWS_REGION'"],
    ['a variable with a bad name', { environment: { '1A': 'x' } }, "'1A'"],
    ['a bad name', { name: 'a b' }, "'name'"],
    ['a handler without an export', { handler: 'index' }, "'handler'"],
    ['a handler outside its folder', { handler: '../index.handler' }, "'handler'"],
    ['a time-out of over 15 minutes', { timeoutMs: 900_001 }, "'timeoutMs'"],
    ['too little memory', { memoryMb: 127 }, "'memoryMb'"],
    ['a runtime that the host has not', { runtime: 'java21' }, "'runtime'"],
    ['a missing bundle', { bundle: '/not/there.cjs' }, 'missing'],
    ['a bundle of another kind', { bundle: '/dev/null' }, "'bundle'"],
  ])('with %s is refused by name', async (_, wrong, text) => {
    const bundle = await folder({})
    expect(() => lambdaHost().function({ name: 'fn', bundle, ...wrong })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(text) }),
    )
  })

  test('with a name that is taken is refused', async () => {
    const host = lambdaHost()
    await localFunction(host, '')
    await expect(localFunction(host, '')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('with a single file puts it where its handler says, alone, and removes it on close', async () => {
    const host = lambdaHost()
    const path = await folder({
      'node_modules/dep/index.js': 'module.exports = 1',
      'bundle.cjs': `exports.handler = async () => {
        let dep = 'none'
        try { dep = require('dep') } catch {}
        return { dep, file: __filename, root: process.env.LAMBDA_TASK_ROOT }
      }`,
    })
    const fn = host.function({ name: 'fn', bundle: join(path, 'bundle.cjs'), handler: 'src/app.handler' })
    const { dep, file, root } = json(await fn.invoke())
    expect({ dep, file }).toEqual({ dep: 'none', file: join(root, 'src', 'app.cjs') })
    await host.close()
    expect(existsSync(root)).toBe(false)
  })
})

const COUNTER = `let n = 0; exports.handler = async () => ({ n: ++n, pid: process.pid })`

describe('execution environments', () => {
  test('are reused, and added for concurrent invocations', async () => {
    const fn = await localFunction(
      lambdaHost(),
      `let n = 0; exports.handler = async ({ ms }) => { n++; await new Promise((r) => setTimeout(r, ms)); return { n, pid: process.pid } }`,
    )
    const cold = await fn.invoke({ ms: 0 })
    expect(cold.initDurationMs).toBeGreaterThan(0)
    const warm = await fn.invoke({ ms: 0 })
    expect(warm.initDurationMs).toBeUndefined()
    expect(json(warm)).toEqual({ n: 2, pid: json(cold).pid })
    const both = await Promise.all([fn.invoke({ ms: 300 }), fn.invoke({ ms: 0 })])
    expect(new Set(both.map((result) => json(result).pid)).size).toBe(2)
    expect(fn.environments()).toHaveLength(2)
  })

  test.runIf(linux)('that end take their child processes with them', async () => {
    const fn = await localFunction(
      lambdaHost(),
      `const { spawn } = require('node:child_process')
       exports.handler = async ({ exit }) => {
         if (exit) process.exit(1)
         return spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }).pid
       }`,
    )
    const child = json(await fn.invoke({}))
    expect(alive(child)).toBe(true)
    await fn.invoke({ exit: true })
    await eventually(() => expect(alive(child)).toBe(false))
  })

  test.runIf(linux)('are frozen between invocations, with their timers and children', async () => {
    const host = lambdaHost()
    const fn = await localFunction(
      host,
      `const { spawn } = require('node:child_process')
       const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
       let ticks = 0
       setInterval(() => { ticks++ }, 5)
       exports.handler = async ({ ms }) => {
         await new Promise((r) => setTimeout(r, ms))
         return { ticks, pid: process.pid, child: child.pid }
       }`,
    )
    const { pid, child, ticks } = json(await fn.invoke({ ms: 50 }))
    expect(ticks).toBeGreaterThan(2)
    expect(fn.environments()).toMatchObject([{ pid, state: 'frozen' }])
    await eventually(() => expect([processState(pid), processState(child)]).toEqual(['T', 'T']))
    const running = event(host, 'environment', ({ state }) => state === 'busy')
    const next = fn.invoke({ ms: 300 })
    await running
    await eventually(() => expect(processState(pid)).not.toBe('T'))
    const after = json(await next)
    expect(after.pid).toBe(pid)
    await fn.expire()
    await eventually(() => expect([alive(pid), alive(child)]).toEqual([false, false]))
  })

  test('that cannot be frozen run on, which is said once', async () => {
    const host = lambdaHost({ freeze: false })
    const warnings: string[] = []
    host.on('warning', (text) => warnings.push(text))
    const fn = await localFunction(host, COUNTER)
    const { pid } = json(await fn.invoke())
    expect(fn.environments()).toMatchObject([{ pid, state: 'idle' }])
    if (linux) expect(processState(pid)).not.toBe('T')
    await fn.expire()
    await fn.invoke()
    expect(warnings).toHaveLength(1)
  })

  test('expire after a time without use, the least recently used first', async () => {
    const clock = new ManualClock(Date.now())
    const host = lambdaHost({ idleMs: 1000, clock })
    const fn = await localFunction(host, COUNTER)
    const [{ pid: first }, { pid: second }] = (await Promise.all([fn.invoke(), fn.invoke()])).map(json)
    expect(first).not.toBe(second)
    await clock.advance(600)
    const used = json(await fn.invoke()).pid
    const unused = used === first ? second : first
    const ended = event(host, 'environment', ({ state }) => state === 'ended')
    await clock.advance(500)
    expect(await ended).toMatchObject({ pid: unused, reason: { kind: 'stopped' } })
    expect(alive(unused)).toBe(false)
    expect(json(await fn.invoke()).pid).toBe(used)
  })
})

describe('time', () => {
  test('that is up ends an infinite loop in Lambda’s words, and the next invocation starts afresh', async () => {
    const fn = await localFunction(
      lambdaHost(),
      `exports.handler = async ({ loop }) => { while (loop); return process.pid }`,
      { timeoutMs: 400 },
    )
    const pid = json(await fn.invoke({}))
    const { payload, requestId, functionError, durationMs } = await fn.invoke({ loop: true })
    expect(functionError).toBe('Unhandled')
    expect(json({ payload })).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${requestId} Error: Task timed out after 0.40 seconds`,
    })
    expect(durationMs).toBeGreaterThanOrEqual(399)
    expect(alive(pid)).toBe(false)
    expect(json(await fn.invoke({}))).not.toBe(pid)
  })

  test('of a start that takes too long begins again within the invocation’s own', async () => {
    const host = lambdaHost({ initTimeoutMs: 1_000 })
    const logs: FunctionLog[] = []
    host.on('log', (log) => logs.push(log))
    const fn = await localFunction(host, `console.log('start'); while (true);`, { timeoutMs: 1_500 })
    const { payload, requestId } = await fn.invoke()
    expect(json({ payload })).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${requestId} Error: Task timed out after 1.50 seconds`,
    })
    expect(logs.map(({ text }) => text)).toEqual(['start', 'start'])
  })

  test('of a start that fails once is made up for by the second', async () => {
    const mark = join(await folder({}), 'mark')
    const fn = await localFunction(
      lambdaHost(),
      `const fs = require('node:fs')
       if (!fs.existsSync(process.env.MARK)) { fs.writeFileSync(process.env.MARK, ''); throw new Error('first') }
       exports.handler = async () => 'second'`,
      { environment: { MARK: mark } },
    )
    const result = await fn.invoke()
    expect(result.functionError).toBeUndefined()
    expect(json(result)).toBe('second')
  })
})

describe('invoke', () => {
  test.each([
    ['RequestResponse', 6 * 1024 * 1024],
    ['Event', 1024 * 1024],
  ] as const)('%s takes %d bytes and not one more', async (type, max) => {
    const host = lambdaHost()
    const fn = await localFunction(host, `exports.handler = async (e) => e.length`, { timeoutMs: 10_000 })
    await expect(fn.invoke('x'.repeat(max - 1), { type })).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: `${max + 1} byte payload is too large for the ${type} invocation type (limit ${max} bytes)`,
    })
    const report = event(host, 'invocation')
    await fn.invoke('x'.repeat(max - 2), { type })
    expect(json(await report)).toBe(max - 2)
  })

  test('carries 6 MB back', async () => {
    const fn = await localFunction(lambdaHost(), `exports.handler = async (n) => 'x'.repeat(n)`, {
      timeoutMs: 10_000,
    })
    const size = 6 * 1024 * 1024 - 2
    expect((await fn.invoke(size)).payload.byteLength).toBe(size + 2)
  })

  test('takes bytes as they are, and refuses an event that is not JSON', async () => {
    const fn = await localFunction(lambdaHost(), `exports.handler = async (e) => e`)
    const bytes = Buffer.from('{"a" : 1}')
    expect(json(await fn.invoke(bytes))).toEqual({ a: 1 })
    await expect(fn.invoke(Buffer.from('{'))).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(fn.invoke({ n: 1n })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(fn.invoke({}, { clientContext: 'x'.repeat(4000) })).rejects.toMatchObject({
      code: 'TOO_LARGE',
    })
  })

  test('over the reserved concurrency is throttled', async () => {
    const fn = await localFunction(lambdaHost(), COUNTER, { reservedConcurrency: 1 })
    const [first, second] = await Promise.allSettled([fn.invoke(), fn.invoke()])
    expect(first.status).toBe('fulfilled')
    expect(second).toMatchObject({ reason: { code: 'THROTTLED' } })
    await fn.invoke()
  })

  test('stops waiting when its signal fires; the function goes on', async () => {
    const host = lambdaHost()
    const fn = await localFunction(host, `exports.handler = async () => 'done'`)
    const abort = new AbortController()
    const report = event(host, 'invocation')
    const result = fn.invoke({}, { signal: abort.signal })
    abort.abort()
    await expect(result).rejects.toMatchObject({ code: 'ABORTED' })
    expect(json(await report)).toBe('done')
    await expect(fn.invoke({}, { signal: abort.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('reports the function’s output line by line, with its request', async () => {
    const host = lambdaHost()
    const logs: FunctionLog[] = []
    host.on('log', (log) => logs.push(log))
    const fn = await localFunction(
      host,
      `console.log('loading')
       exports.handler = async () => {
         console.log('a\\nb'); console.error('err'); process.stdout.write('x'.repeat(200000) + '漢'); return 1
       }`,
    )
    const { requestId, logTail } = await fn.invoke()
    expect(logs.every((log) => log.requestId === requestId && log.functionName === 'fn')).toBe(true)
    const of = (stream: string) => logs.filter((log) => log.stream === stream).map(({ text }) => text)
    expect(of('stdout')).toEqual(['loading', 'a', 'b', `${'x'.repeat(200_000)}漢`])
    expect(of('stderr')).toEqual(['err'])
    expect(logTail).toHaveLength(4096)
  })
})

describe('an asynchronous invocation', () => {
  test('is answered at once and tried again twice under one request id', async () => {
    const clock = new ManualClock(Date.now())
    const host = lambdaHost({ retryDelaysMs: [60_000, 120_000], clock })
    const fn = await localFunction(
      host,
      `exports.handler = async (e, c) => { throw new Error(c.awsRequestId) }`,
    )
    const discarded = event(host, 'discard')
    const reports: InvocationReport[] = []
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const report = event(host, 'invocation')
      if (attempt === 1) {
        const accepted = await fn.invoke({ a: 1 }, { type: 'Event' })
        expect(accepted).toMatchObject({ statusCode: 202, payload: new Uint8Array() })
      } else {
        const delayMs = attempt === 2 ? 60_000 : 120_000
        await clock.advance(delayMs - 1)
        expect(fn.environments()).toMatchObject([{ state: linux ? 'frozen' : 'idle' }])
        await clock.advance(1)
      }
      reports.push(await report)
    }
    const [first] = reports
    expect(reports.map(({ attempt, type }) => ({ attempt, type }))).toEqual(
      [1, 2, 3].map((attempt) => ({ attempt, type: 'Event' })),
    )
    expect(reports.map((report) => json(report).errorMessage)).toEqual(Array(3).fill(first?.requestId))
    const { event: dropped, ...rest } = await discarded
    expect(rest).toMatchObject({ requestId: first?.requestId, attempts: 3, functionName: 'fn' })
    expect(Buffer.from(dropped).toString()).toBe('{"a":1}')
  })

  test('that succeeds in its second attempt has no third', async () => {
    const host = lambdaHost({ retryDelaysMs: [0, 0] })
    const reports: InvocationReport[] = []
    host.on('invocation', (report) => reports.push(report))
    const fn = await localFunction(
      host,
      `let n = 0; exports.handler = async ({ fail }) => { if (fail && ++n === 1) throw new Error('once'); return n }`,
      { reservedConcurrency: 1 },
    )
    const second = event(host, 'invocation', ({ attempt }) => attempt === 2)
    await fn.invoke({ fail: true }, { type: 'Event' })
    expect(json(await second)).toBe(2)
    // In turn, after everything that waited before it.
    const last = event(host, 'invocation', ({ payload }) => json({ payload }) === 2)
    await fn.invoke({}, { type: 'Event' })
    await last
    expect(reports.map(({ attempt }) => attempt)).toEqual([1, 2, 1])
  })

  test('waits for its turn instead of being throttled', async () => {
    const host = lambdaHost()
    const fn = await localFunction(host, COUNTER, { reservedConcurrency: 1 })
    const third = event(host, 'invocation', ({ payload }) => json({ payload }).n === 3)
    await Promise.all([1, 2, 3].map(() => fn.invoke({}, { type: 'Event' })))
    await third
    expect(fn.environments()).toHaveLength(1)
  })
})

describe('close', () => {
  test('ends running and waiting invocations, and is idempotent', async () => {
    const host = lambdaHost({ retryDelaysMs: [60_000] })
    const fn = await localFunction(
      host,
      `exports.handler = async ({ fail }) => { if (fail) throw new Error(); console.log(process.pid); return new Promise(() => setInterval(() => {}, 1000)) }`,
    )
    const failed = event(host, 'invocation')
    await fn.invoke({ fail: true }, { type: 'Event' })
    await failed
    const started = event(host, 'log')
    const running = fn.invoke()
    const pid = Number((await started).text)
    await Promise.all([host.close(), expect(running).rejects.toMatchObject({ code: 'CLOSED' })])
    await host.close()
    expect(alive(pid)).toBe(false)
    await expect(fn.invoke()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(() => host.function({ name: 'late', bundle: '.' })).toThrow(
      expect.objectContaining({ code: 'CLOSED' }),
    )
  })

  test('while an environment starts leaves none behind', async () => {
    const host = lambdaHost()
    const fn = await localFunction(host, COUNTER)
    const starting = event(host, 'environment', ({ state }) => state === 'starting')
    const result = fn.invoke()
    const { pid } = await starting
    await Promise.all([host.close(), expect(result).rejects.toMatchObject({ code: 'CLOSED' })])
    expect(pid === undefined || !alive(pid)).toBe(true)
  })
})

test('a listener that throws only causes a warning', async () => {
  const host = lambdaHost()
  host.on('environment', () => {
    throw new Error('careless')
  })
  const warning = new Promise<Error>((resolve) => process.once('warning', resolve))
  const fn = await localFunction(host, COUNTER)
  expect((await fn.invoke()).functionError).toBeUndefined()
  expect((await warning).message).toContain('careless')
})
