import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { childProcesses, workerThreads } from '../../src/executors/index.js'
import type { Executor, StreamedResponse, Task } from '../../src/index.js'
import { esbuild } from '../../src/sources/esbuild.js'
import { CdpSocket } from '../support/cdp.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { AskingClock } from './asking-clock.js'
import { projectOfFile, taskFor } from './handler-project.js'
import { streamedBy } from './official-streams.js'

const project = await projectOfFile()
await symlink(join(process.cwd(), 'node_modules'), join(project.folder, 'node_modules'))
let executor: Executor

afterEach(() => executor.close())

const HTTP = 'application/vnd.awslambda.http-integration-response'

/** A request to a function URL. */
const REQUEST = {
  version: '2.0',
  rawPath: '/events',
  rawQueryString: '',
  headers: { host: 'example.com' },
  requestContext: { http: { method: 'GET', path: '/events' }, domainName: 'example.com' },
  isBase64Encoded: false,
}

/** The metadata and the rest of what has a prelude. */
function parsed(body: string): { readonly metadata: Record<string, unknown>; readonly rest: string } {
  const end = body.indexOf('\0'.repeat(8))
  return { metadata: JSON.parse(body.slice(0, end)), rest: body.slice(end + 8) }
}

test("Hono's streamHandle runs as it is", async () => {
  executor = workerThreads({ spares: 0 })
  const path = await project.write(
    'hono.mjs',
    `import { Hono } from 'hono'
    import { streamHandle } from 'hono/aws-lambda'
    import { streamSSE } from 'hono/streaming'
    const app = new Hono()
    app.get('/events', (c) => streamSSE(c, async (stream) => {
      for (const data of ['one', 'two']) await stream.writeSSE({ data })
    }))
    app.get('/away', (c) => c.redirect('/there'))
    export const handler = streamHandle(app)`,
  )
  const { contentType, body } = await streamedBy(await executor.execute(taskFor(path, REQUEST)))
  expect(contentType).toBe(HTTP)
  const { metadata, rest } = parsed(body)
  expect(metadata).toMatchObject({ statusCode: 200, headers: { 'content-type': 'text/event-stream' } })
  expect(rest).toBe('data: one\n\ndata: two\n\n')
  const away = await streamedBy(await executor.execute(taskFor(path, { ...REQUEST, rawPath: '/away' })))
  expect(parsed(away.body).metadata).toMatchObject({ statusCode: 302, headers: { location: '/there' } })
})

test("middy's streaming runs as it is", async () => {
  executor = childProcesses({ spares: 0 })
  const path = await project.write(
    'middy.mjs',
    `import middy from '@middy/core'
    import { Readable } from 'node:stream'
    export const handler = middy({ streamifyResponse: true }).handler(async ({ parts }) => ({
      statusCode: 203, headers: { 'x-a': 'b' }, body: Readable.from(parts),
    }))`,
  )
  const outcome = await executor.execute(taskFor(path, { parts: ['one', 'two'] }))
  const { contentType, body } = await streamedBy(outcome)
  expect(contentType).toBe(HTTP)
  expect(parsed(body)).toEqual({ metadata: { statusCode: 203, headers: { 'x-a': 'b' } }, rest: 'onetwo' })
})

test('a breakpoint in the middle of a stream holds past its time, and the stream goes on', async () => {
  const clock = new AskingClock()
  executor = childProcesses({ spares: 0, inspect: true, clock })
  const path = await project.write(
    'breaks.mjs',
    `export const handler = awslambda.streamifyResponse(async ({ stop }, stream) => {
      const first = 'before '
      await new Promise((written) => stream.write(first, written))
      if (stop) debugger
      stream.write('after')
      stream.end()
    })`,
  )
  await streamedBy(await executor.execute(taskFor(path)))
  const list = await fetch(`http://127.0.0.1:${executor.stats?.().api?.inspectPort}/json/list`)
  const [target] = (await list.json()) as { webSocketDebuggerUrl: string }[]
  const debug = await CdpSocket.connect(target?.webSocketDebuggerUrl)
  await debug.call('Debugger.enable')
  const task: Task = taskFor(path, { stop: true }, { deadline: clock.now() + 400 })
  const stopped = executor.execute(task)
  const paused = await debug.paused()
  const { body } = (await stopped) as StreamedResponse
  const chunks = body[Symbol.asyncIterator]()
  expect(Buffer.from((await chunks.next()).value ?? []).toString()).toBe('before ')
  await clock.passDeadline(400)
  expect(await debug.read(paused, 'first')).toBe('before ')
  await debug.call('Debugger.resume')
  expect(Buffer.from((await chunks.next()).value ?? []).toString()).toBe('after')
  expect((await chunks.next()).done).toBe(true)
  await debug.close()
})

test('a function that streams answers a stub that does not with all of it', async () => {
  executor = workerThreads({ spares: 0 })
  await using tether = new Tether()
  const entry = await project.write(
    'buffered.ts',
    `declare const awslambda: any
    export const handler = awslambda.streamifyResponse(async (event: any, stream: any) => {
      if (event.fails) throw new TypeError('before the first byte')
      if (event.statusCode) stream = awslambda.HttpResponseStream.from(stream, { statusCode: event.statusCode })
      stream.write('hel')
      if (event.breaks) throw new RangeError('after the first byte')
      stream.write('lo')
      stream.end()
    })`,
  )
  const session = tether.session().serve({ executor, functions: { api: esbuild({ entry }) } })
  await session.open()
  const stub = tether.stub()
  expect(await stub({}, stubContext())).toBe('hello')
  expect(await stub({ statusCode: 418 }, stubContext())).toEqual({
    statusCode: 418,
    body: 'hello',
    isBase64Encoded: false,
  })
  await expect(stub({ fails: true }, stubContext())).rejects.toThrow('before the first byte')
  await expect(stub({ breaks: true }, stubContext())).rejects.toMatchObject({
    name: 'RangeError',
    message: 'after the first byte',
  })
})
