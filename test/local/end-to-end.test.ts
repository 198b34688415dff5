import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { workerThreads } from '../../src/executors/index.js'
import { createSession, generateKey, type Session } from '../../src/index.js'
import { createLocalCloud, type LocalCloud, type LocalFunction } from '../../src/local/index.js'
import { stubBundle, stubEnvironment } from '../../src/stub/index.js'
import { iot } from '../../src/transports/iot.js'
import { type HandlerProject, handlerProject } from '../executors/handler-project.js'
import { json } from './lambda-fixture.js'

const HANDLERS = `
import { setTimeout as sleep } from 'node:timers/promises'
let calls = 0
enum Mode { Echo }
export async function handler(event: any, context: any) {
  calls++
  switch (event.do) {
    case 'exit': return process.exit(3)
    case 'throw later': setTimeout(() => { throw new RangeError('outside a promise') }, 0); return new Promise(() => {})
    case 'reject later': void Promise.reject(new TypeError('nobody caught it')); return new Promise(() => {})
    case 'loop': for (;;) {}
    case 'throw': throw new SyntaxError('by the handler')
    case 'http': return { statusCode: 201, body: event.rawPath }
  }
  return { mode: Mode.Echo, calls, requestId: context.awsRequestId, live: process.env.SST_LIVE, tether: process.env.LAMBDA_TETHER,
    own: process.env.TABLE, key: process.env.LAMBDA_TETHER_KEY, host: process.env.HOST_SECRET, event }
}
`

/** HTTP or an invocation → a Lambda process with the stub → the broker → the session → a worker, and back. */
describe('the whole path', () => {
  let project: HandlerProject
  let cloud: LocalCloud
  let session: Session
  let fn: LocalFunction
  const target = { app: 'path', stage: 'test', key: generateKey() }

  beforeAll(async () => {
    process.env.HOST_SECRET = 'not for local code'
    project = await handlerProject({ 'api.ts': HANDLERS })
    cloud = createLocalCloud()
    await cloud.open()
    session = makeSession()
    await session.open()
    fn = cloud.function({
      name: 'path-api',
      bundle: stubBundle('iot').path,
      handler: 'stub-iot.handler',
      timeoutMs: 4_000,
      environment: {
        ...stubEnvironment({ ...target, functionId: 'api', endpoint: cloud.iotEndpoint }),
        TABLE: 'orders',
      },
    })
  })

  afterAll(async () => {
    delete process.env.HOST_SECRET
    await session?.close()
    await cloud?.close()
    await project?.[Symbol.asyncDispose]()
  })

  function makeSession(): Session {
    const { region, credentials, iotEndpoint: endpoint } = cloud
    const made = createSession({ ...target, transport: iot({ region, credentials, endpoint }) })
    return made.serve({ executor: workerThreads(), functions: { api: `${project.folder}/api.ts#handler` } })
  }

  const invoke = async (event: unknown) => {
    const result = await fn.invoke(event)
    return { functionError: result.functionError, requestId: result.requestId, answer: json(result) }
  }

  it('answers, with the function’s environment and nothing of the host’s or the stub’s', async () => {
    const { answer, requestId } = await invoke({ n: 1 })
    expect(answer).toEqual({
      mode: 0,
      calls: 1,
      requestId,
      live: 'true',
      tether: 'true',
      own: 'orders',
      event: { n: 1 },
    })
    // One worker for one execution environment: module state lives on.
    expect((await invoke({})).answer.calls).toBe(2)
  })

  it('answers HTTP', async () => {
    const api = await cloud.httpApi(fn)
    const response = await fetch(`${api.url}/some/path`)
    // The event has no 'do', so the handler's own object is the body.
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ event: { rawPath: '/some/path' } })
  })

  it.each([
    ['exit', 'Runtime.ExitError', /code 3/],
    ['throw later', 'RangeError', /outside a promise/],
    ['reject later', 'Runtime.UnhandledPromiseRejection', /nobody caught it/],
    ['throw', 'SyntaxError', /by the handler/],
    [
      'loop',
      'LambdaTether.DEADLINE',
      /still running in session 'default' when \d+ ms of its \d+ ms were left/,
    ],
  ])('tells the remote precisely when local code does this: %s', async (what, type, message) => {
    const { functionError, answer } = await invoke({ do: what })
    expect(functionError).toBe('Unhandled')
    expect(answer).toMatchObject({ errorType: type, errorMessage: expect.stringMatching(message) })
    // The host lives, and so does the next invocation.
    expect((await invoke({ after: what })).answer.event).toEqual({ after: what })
  })

  it('names the TypeScript line in a stack', async () => {
    const { answer } = await invoke({ do: 'throw' })
    expect(answer.trace.join('\n')).toMatch(/api\.ts:12:/)
  })

  it('answers the first invocation of a frozen stub after the broker dropped its connection', async () => {
    await invoke({})
    expect(fn.environments().map(({ state }) => state)).toContain('frozen')
    const reconnected = new Promise<void>((resolve) => {
      session.on('status', ({ state }) => state === 'connected' && resolve())
    })
    cloud.broker.disconnectAll()
    await reconnected
    expect((await invoke({ thawed: true })).answer.event).toEqual({ thawed: true })
  })

  it('answers invocations again once a closed session is restarted', async () => {
    const invoked = new Promise<void>((resolve) => {
      session.once('invoke', () => resolve())
    })
    const running = invoke({ do: 'loop' })
    await invoked
    await session.close({ signal: AbortSignal.abort() })
    expect((await running).answer).toMatchObject({ errorType: 'LambdaTether.CLOSED' })
    session = makeSession()
    await session.open()
    expect((await invoke({ again: true })).answer.event).toEqual({ again: true })
  })

  it('reloads on save', async () => {
    const reloaded = new Promise((resolve) => {
      session.once('reload', resolve)
    })
    await invoke({})
    await project.write('api.ts', `export const handler = async () => 'new code'`)
    expect(await reloaded).toMatchObject({ functionId: 'api' })
    expect((await invoke({})).answer).toBe('new code')
  })
})
