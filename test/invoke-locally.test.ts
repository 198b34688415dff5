import { afterAll, expect, test } from 'vitest'
import { inline } from '../src/executors/inline.js'
import { invokeLocally, type TetherError } from '../src/index.js'
import { toFixture } from '../src/recorder/index.js'
import { handlerProject } from './executors/handler-project.js'
import { recordOf } from './recorder/record-of.js'

const project = await handlerProject({
  'api.ts': `import { basename } from 'node:path'
    enum Kind { Built = 'built' }
    export const handler = async (event: unknown, context: { awsRequestId: string; getRemainingTimeInMillis(): number }) => {
      console.log('a line')
      return { event, kind: Kind.Built, table: process.env.TABLE, id: context.awsRequestId, ms: context.getRemainingTimeInMillis(), name: basename('a/b') }
    }
    export const fails = async () => { throw new RangeError('too many', { cause: new TypeError('why') }) }
    export const stuck = async () => { for (;;) {} }`,
  'lib/app.mjs': 'export const handler = async (event) => [event]',
})
afterAll(() => project[Symbol.asyncDispose]())
const target = `${project.folder}/api.ts`

test('runs a path with an event in a thread, with variables, a context and its output', async () => {
  const lines: string[] = []
  const response = await invokeLocally(
    target,
    { n: 1 },
    {
      env: { TABLE: 'orders', NONE: undefined },
      context: { awsRequestId: 'mine' },
      timeoutMs: 5_000,
      onLog: ({ text }) => lines.push(text),
    },
  )
  expect(response).toMatchObject({ event: { n: 1 }, kind: 'built', table: 'orders', id: 'mine', name: 'b' })
  expect((response as { ms: number }).ms).toBeLessThanOrEqual(5_000)
  expect(lines).toEqual(['a line'])
  expect(await invokeLocally(`${project.folder}/lib/app.handler`, 2)).toEqual([2])
})

test('takes a whole record from memory or as a fixture, with its context and its time', async () => {
  const record = recordOf({ path: '/orders' })
  const fixture = JSON.parse(JSON.stringify(toFixture(record, { whole: true })))
  const context = (
    event: unknown,
    { awsRequestId, getRemainingTimeInMillis }: { awsRequestId: string; getRemainingTimeInMillis(): number },
  ) => [event, awsRequestId, getRemainingTimeInMillis() <= record.timing.limitMs]
  const expected = [{ path: '/orders' }, record.context.awsRequestId, true]
  for (const one of [record, fixture]) expect(await invokeLocally(context, one)).toEqual(expected)
  // Of the shape of an event that has some of a record's fields.
  expect(await invokeLocally((event: unknown) => event, { functionId: 'x', context: {} })).toEqual({
    functionId: 'x',
    context: {},
  })
})

test('rejects with the error of the function, and when its time is up', async () => {
  const failing = invokeLocally(`${target}#fails`, {})
  await expect(failing).rejects.toMatchObject({
    name: 'RangeError',
    errorType: 'RangeError',
    message: 'too many',
    stack: expect.stringContaining('api.ts:7'),
    trace: expect.arrayContaining([expect.stringContaining('api.ts:7')]),
    cause: { errorType: 'TypeError', message: 'why' },
  })
  await expect(invokeLocally(`${target}#stuck`, {}, { timeoutMs: 300 })).rejects.toMatchObject({
    errorType: 'Sandbox.Timedout',
  })
  await expect(invokeLocally(`${project.folder}/none.ts`, {})).rejects.toMatchObject({ code: 'BUILD_FAILED' })
})

test('runs a handler in this process, and leaves a given executor open', async () => {
  await using executor = inline()
  expect(await invokeLocally(() => process.pid, {}, { executor })).toBe(process.pid)
  expect(await invokeLocally(() => process.pid, {}, { executor })).toBe(process.pid)
})

test('refuses wrong options, invalid targets and invalid fixtures', async () => {
  const code = async (promise: Promise<unknown>) =>
    ((await promise.catch((error) => error)) as TetherError).message
  const handler = () => 1
  expect(await code(invokeLocally(5 as never, {}))).toMatch(/'target' must be/)
  expect(await code(invokeLocally(handler, undefined))).toMatch(/'fixture' must be an event/)
  expect(await code(invokeLocally(handler, {}, { env: { A: '1' } }))).toMatch(
    /'env' changes nothing for a handler/,
  )
  const signal = AbortSignal.abort()
  await expect(invokeLocally(handler, {}, { signal })).rejects.toMatchObject({ code: 'ABORTED' })
})
