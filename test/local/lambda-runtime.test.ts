import { describe, expect, test } from 'vitest'
import { event, json, lambdaHost, localFunction } from './lambda-fixture.js'

// One process start each, so what belongs together shares a function.
async function run(code: string | Record<string, string>, input: unknown = {}, handler = 'index.handler') {
  const fn = await localFunction(lambdaHost(), code, { handler })
  const result = await fn.invoke(input)
  return { ...result, value: json(result) }
}

const nodeMajor = Number.parseInt(process.versions.node, 10)

describe('a handler', () => {
  test.each([
    ['an async function', `exports.handler = async (e) => ({ got: e })`],
    [
      'a function that returns a promise',
      `exports.handler = (e) => new Promise((r) => setTimeout(r, 5, { got: e }))`,
    ],
    ['context.succeed', `exports.handler = (e, c) => { c.succeed({ got: e }) }`],
    ['context.done', `exports.handler = (e, c) => { c.done(null, { got: e }) }`],
  ])('answers as %s', async (_, code) => {
    expect(await run(code, { x: '漢 ' })).toMatchObject({ value: { got: { x: '漢 ' } } })
  })

  test.skipIf(nodeMajor >= 24)('answers through a callback once the event loop is empty', async () => {
    const { value } = await run(
      `let late = 'no'
       exports.handler = (e, c, callback) => {
         setTimeout(() => { late = 'yes' }, 20)
         callback(null, { get late() { return late } })
       }`,
    )
    expect(value).toEqual({ late: 'yes' })
  })

  test.skipIf(nodeMajor >= 24)(
    'need not wait for the event loop with callbackWaitsForEmptyEventLoop off',
    async () => {
      const { value, functionError } = await run(
        `exports.handler = (e, c, callback) => {
         c.callbackWaitsForEmptyEventLoop = false
         setInterval(() => {}, 1000)
         callback(null, 'at once')
       }`,
      )
      expect({ value, functionError }).toEqual({ value: 'at once', functionError: undefined })
    },
  )

  test.runIf(nodeMajor >= 24)('may not take a callback from Node 24 on', async () => {
    const { value } = await run(`exports.handler = (e, c, callback) => callback(null, 1)`)
    expect(value.errorType).toBe('Runtime.CallbackHandlerDeprecated')
  })

  test('that returns undefined answers null', async () => {
    expect((await run(`exports.handler = async () => {}`)).value).toBeNull()
  })

  test('that never settles ends when the event loop is empty', async () => {
    const { value } = await run(`exports.handler = async () => { await new Promise(() => {}) }`)
    expect(value.errorType).toBe('Runtime.NodeJsExit')
  })

  test.each([
    ['ESM', { 'index.mjs': `export const handler = async () => import.meta.url.slice(0, 5)` }, 'file:'],
    [
      '.js in a module package',
      {
        'package.json': '{"type":"module"}',
        'index.js': `export const handler = async () => typeof require`,
      },
      'undefined',
    ],
    ['.js as CommonJS', { 'index.js': `exports.handler = async () => typeof require` }, 'function'],
  ])('loads as %s', async (_, files, expected) => {
    expect((await run(files)).value).toBe(expected)
  })

  test('is found in a folder and in an object', async () => {
    const files = { 'lib/app.cjs': `exports.api = { get: async () => 'got' }` }
    expect((await run(files, {}, 'lib/app.api.get')).value).toBe('got')
  })

  test('cannot require an ES module, as on Lambda', async () => {
    const { value } = await run({
      'index.cjs': `exports.handler = async () => require('./other.mjs')`,
      'other.mjs': `export default 1`,
    })
    expect(value.errorMessage).toContain('require() of ES Module')
  })
})

test('the context has every field and a time that runs down', async () => {
  const fn = await localFunction(
    lambdaHost(),
    `exports.handler = async (e, c) => {
       const before = c.getRemainingTimeInMillis()
       await new Promise((r) => setTimeout(r, 20))
       const { getRemainingTimeInMillis, done, fail, succeed, ...data } = c
       return { data, before, after: c.getRemainingTimeInMillis(), trace: process.env._X_AMZN_TRACE_ID }
     }`,
    { timeoutMs: 5000 },
  )
  const result = await fn.invoke(
    {},
    {
      clientContext: { custom: { a: 'ü' } },
      identity: { cognitoIdentityId: 'i' },
      tenantId: 't',
      traceId: 'Root=1-x',
    },
  )
  const { data, before, after, trace } = json(result)
  expect(data).toEqual({
    awsRequestId: result.requestId,
    functionName: 'fn',
    functionVersion: '$LATEST',
    invokedFunctionArn: fn.arn,
    memoryLimitInMB: '128',
    logGroupName: '/aws/lambda/fn',
    logStreamName: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/),
    clientContext: { custom: { a: 'ü' } },
    identity: { cognitoIdentityId: 'i' },
    tenantId: 't',
    callbackWaitsForEmptyEventLoop: true,
  })
  expect(before).toBeLessThanOrEqual(5000)
  expect(before).toBeGreaterThan(3000)
  expect(before - after).toBeGreaterThanOrEqual(19)
  expect(trace).toBe('Root=1-x')
})

describe('failures', () => {
  test('a thrown error keeps its name, message, stack and cause', async () => {
    const { value, functionError } = await run(
      `exports.handler = async () => { throw new TypeError('no', { cause: new RangeError('deep') }) }`,
    )
    expect(functionError).toBe('Unhandled')
    expect(value).toMatchObject({
      errorType: 'TypeError',
      errorMessage: 'no',
      cause: { errorType: 'RangeError' },
    })
    expect(value.trace[0]).toBe('TypeError: no')
    expect(value.trace.join()).toContain('index.cjs:1:')
  })

  test.each([
    [
      'a thrown string',
      `exports.handler = async () => { throw 'text' }`,
      { errorType: 'string', errorMessage: 'text', trace: [] },
    ],
    [
      'context.fail',
      `exports.handler = (e, c) => c.fail(new Error('failed'))`,
      { errorType: 'Error', errorMessage: 'failed' },
    ],
    [
      'a synchronous throw',
      `exports.handler = () => { throw new Error('now') }`,
      { errorType: 'Error', errorMessage: 'now' },
    ],
    [
      'an unserialisable result',
      `exports.handler = async () => ({ n: 1n })`,
      { errorType: 'Runtime.MarshalError' },
    ],
    ['a missing export', `exports.other = 1`, { errorType: 'Runtime.HandlerNotFound' }],
    ['an export that is no function', `exports.handler = 1`, { errorType: 'Runtime.HandlerNotFound' }],
    ['a missing module', `require('not-there')`, { errorType: 'Runtime.ImportModuleError' }],
    ['a syntax error', `exports.handler = (`, { errorType: 'Runtime.UserCodeSyntaxError' }],
    [
      'a throw while loading',
      `throw new RangeError('at start')`,
      { errorType: 'RangeError', errorMessage: 'at start' },
    ],
    [
      'an unhandled rejection',
      `exports.handler = () => new Promise(() => { Promise.reject(new Error('lost')) })`,
      { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'Error: lost' },
    ],
    [
      'an uncaught exception',
      `exports.handler = () => new Promise(() => setTimeout(() => { throw new Error('later') }))`,
      { errorType: 'Error', errorMessage: 'later' },
    ],
  ])('%s', async (_, code, expected) => {
    const { value, functionError } = await run(code)
    expect(functionError).toBe('Unhandled')
    expect(value).toMatchObject(expected)
  })

  test('a missing file', async () => {
    const { value } = await run({ 'other.cjs': '' })
    expect(value.errorType).toBe('Runtime.ImportModuleError')
  })

  test.each([
    [
      'process.exit(3)',
      `exports.handler = async () => process.exit(3)`,
      'Runtime exited with error: exit status 3',
    ],
    [
      'process.exit(0)',
      `exports.handler = async () => process.exit(0)`,
      'Runtime exited without providing a reason',
    ],
    [
      'a signal',
      `exports.handler = () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}) }`,
      'Runtime exited with error: signal: killed',
    ],
    ['an exit while loading', `process.exit(7)`, 'Runtime exited with error: exit status 7'],
  ])('%s is answered at once', async (_, code, text) => {
    const { value, requestId } = await run(code)
    expect(value).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${requestId} Error: ${text}`,
    })
  })

  test('an answer of more than 6 MB', async () => {
    const { value } = await run(`exports.handler = async () => 'x'.repeat(7000000)`)
    expect(value).toEqual({
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage:
        'Response payload size (7000002 bytes) exceeded maximum allowed payload size (6291556 bytes).',
    })
  })

  test('a crash after the answer spoils neither the answer nor the next invocation', async () => {
    const host = lambdaHost({ freeze: false })
    const fn = await localFunction(
      host,
      `exports.handler = async () => { setTimeout(() => { throw new Error('after') }, 5); return process.pid }`,
    )
    const ended = event(host, 'environment', ({ state }) => state === 'ended')
    const first = json(await fn.invoke())
    expect(await ended).toMatchObject({ pid: first, reason: { kind: 'exit', code: 129 } })
    const second = await fn.invoke()
    expect(second.functionError).toBeUndefined()
    expect(json(second)).not.toBe(first)
  })
})

test('a custom Node runs the function', async () => {
  const fn = await localFunction(lambdaHost(), `exports.handler = async () => 1`, { nodePath: '/not/there' })
  const { functionError, payload } = await fn.invoke()
  expect(functionError).toBe('Unhandled')
  expect(json({ payload })).toMatchObject({ errorType: 'Runtime.InvalidEntrypoint' })
})
