import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { OpenConnection, WebSocketApi } from '../../src/local/index.js'
import { runFile } from '../../src/run-files.js'
import { stubEnvironment } from '../../src/stub/index.js'
import type { RelayEvent } from '../../src/stub/relay/relay.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { openListening, Tether } from '../support/tether.js'
import {
  type ApiOptions,
  bothSides,
  type Database,
  identity,
  key,
  postless,
  region,
  startApi,
  startDatabase,
} from './api-gateway-fixture.js'
import { failure } from './inbox.js'

let database: Database
beforeAll(async () => {
  database = await startDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

async function openApi(options: Omit<ApiOptions, 'database'> = {}): Promise<WebSocketApi> {
  const api = await startApi({ database, ...options })
  onTestFinished(() => api.close())
  return api
}

const echo = { api: (event: unknown) => ({ echo: event }) }

/** Posts by clients and runs of the relay since it was last asked. */
function meter(api: WebSocketApi) {
  let before = { posts: 0, relayed: 0 }
  return () => {
    const { posts, invocations } = api.stats()
    const now = { posts, relayed: invocations.$default ?? 0 }
    const spent = { posts: now.posts - before.posts, relayed: now.relayed - before.relayed }
    before = now
    return spent
  }
}

/** Waits until every run of the relay has ended. */
function receipts(api: WebSocketApi) {
  let ended = 0
  api.on('invocation', () => {
    ended++
  })
  const begun = () => Object.values(api.stats().invocations).reduce((sum, count) => sum + count)
  return async () => {
    while (begun() > ended) await settle(1)
  }
}

describe('an invocation over API Gateway', () => {
  test('of 1 KB, on established connections, makes two posts and runs no relay', async () => {
    const api = await openApi()
    const received = receipts(api)
    // However slow this machine is, no time passes in which one would have to say that it is still there.
    const clock = new ManualClock(Date.now())
    await using tether = new Tether({ clock, key })
    const transport = bothSides({ endpoint: api.endpoint, clock })
    await openListening(tether.session({ transport }).serve({ functions: echo }), clock)
    const stub = tether.stub({ transport })
    const event = { text: createHash('sha512').update('x').digest('hex').repeat(8) }
    // The first go through the relay, whose receipts may come after the answers.
    for (let i = 0; i < 3; i++) expect(await stub(event, stubContext())).toEqual({ echo: event })
    await received()
    const spent = meter(api)
    spent()
    for (let i = 0; i < 5; i++) {
      expect(await stub(event, stubContext())).toEqual({ echo: event })
      expect(spent()).toEqual({ posts: 2, relayed: 0 })
    }
  })

  test.each([
    ['either side', postless, postless, { relayed: 2 }],
    ['the stub', undefined, postless, { relayed: 1 }],
    ['the session', postless, undefined, { relayed: 1 }],
  ])('works through the relay where %s may not post', async (_who, session, stub, expected) => {
    const api = await openApi()
    const received = receipts(api)
    const clock = new ManualClock(Date.now())
    await using tether = new Tether({ clock, key })
    const options = (credentials: typeof session) => ({
      endpoint: api.endpoint,
      clock,
      ...(credentials !== undefined && { credentials }),
    })
    const transport = bothSides(options(session), options(stub))
    await openListening(tether.session({ transport }).serve({ functions: echo }), clock)
    const remote = tether.stub({ transport })
    for (const event of ['first', 'second'])
      expect(await remote(event, stubContext())).toEqual({ echo: event })
    await received()
    const spent = meter(api)
    spent()
    expect(await remote('warm', stubContext())).toEqual({ echo: 'warm' })
    await received()
    expect(spent()).toMatchObject(expected)
  })

  test('carries more than 128 KB each way, and many at once', async () => {
    const api = await openApi()
    await using tether = new Tether({ key })
    const transport = bothSides({ endpoint: api.endpoint })
    await tether.session({ transport }).serve({ functions: echo }).open()
    const stub = tether.stub({ transport })
    const text = Array.from({ length: 3_000 }, (_, i) =>
      createHash('sha256').update(`${i}`).digest('hex'),
    ).join('漢')
    expect(await stub({ text }, stubContext())).toEqual({ echo: { text } })
    const stubs = Array.from({ length: 5 }, () => tether.stub({ transport }))
    const answers = await Promise.all(
      stubs.flatMap((one, i) => [1, 2, 3].map((n) => one([i, n], stubContext()))),
    )
    expect(answers).toEqual(stubs.flatMap((_one, i) => [1, 2, 3].map((n) => ({ echo: [i, n] }))))
    expect(tether.discards).toEqual([])
  })

  test('does not wait for silence where no session is connected', async () => {
    const api = await openApi()
    await using tether = new Tether({ key })
    // By its silence it would be DEADLINE.
    const stub = tether.stub({ transport: bothSides({ endpoint: api.endpoint }), ackTimeoutMs: 60_000 })
    expect(await failure(stub('x', stubContext()))).toMatchObject({ name: 'LambdaTether.NO_SESSION' })
  })

  test('survives a relay that fails once', async () => {
    const failing = new Set(['stub', 'session'])
    const api = await openApi({
      fails: ({ requestContext: { routeKey }, body }: RelayEvent) =>
        routeKey === '$default' && failing.delete(/^r \d+ (\w+)/.exec(body ?? '')?.[1] ?? ''),
    })
    await using tether = new Tether({ key })
    const transport = bothSides({ endpoint: api.endpoint })
    const session = tether.session({ transport })
    let runs = 0
    session.serve({ functions: { api: () => ++runs } })
    await session.open()
    const stub = tether.stub({ transport })
    expect(await stub('x', stubContext())).toBe(1)
    expect(failing.has('session')).toBe(false)
    expect(runs).toBe(1)
  })

  test('ends with NO_SESSION where the relay always fails', async () => {
    const api = await openApi({ fails: ({ requestContext: { routeKey } }) => routeKey === '$default' })
    await using tether = new Tether({ key })
    const transport = bothSides({ endpoint: api.endpoint })
    await tether.session({ transport }).serve({ functions: echo }).open()
    const stub = tether.stub({ transport, ackTimeoutMs: 1_500 })
    expect(await failure(stub('x', stubContext()))).toMatchObject({
      name: 'LambdaTether.NO_SESSION',
    })
  })

  test('that a stub dies of leaves the session and other stubs alone', async () => {
    const api = await openApi()
    await using tether = new Tether({ key })
    const transport = bothSides({ endpoint: api.endpoint })
    const session = tether.session({ transport })
    let finish = () => {}
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    let start = () => {}
    const started = new Promise<void>((resolve) => {
      start = resolve
    })
    session.serve({
      functions: {
        api: async (event: unknown) => {
          if (event === 'dies') start()
          if (event === 'dies') await finished
          return { echo: event }
        },
      },
    })
    await session.open()
    const [dying, other] = [tether.stub({ transport }), tether.stub({ transport })]
    const died = failure(dying('dies', stubContext()))
    await started
    await dying.close()
    await died
    finish()
    expect(await other('lives', stubContext())).toEqual({ echo: 'lives' })
    expect(await other('again', stubContext())).toEqual({ echo: 'again' })
    expect(api.stats().connections).toBe(2)
  })
})

describe('of two sessions of one name over API Gateway', () => {
  test('the later one is served, and the earlier one is told and ends', async () => {
    const api = await openApi()
    await using tether = new Tether({ key })
    const transport = () => bothSides({ endpoint: api.endpoint })
    const stub = tether.stub({ transport: transport() })
    const open = async (answer: string) => {
      const session = tether.session({ transport: transport() }).serve({ functions: { api: () => answer } })
      const displaced = new Promise<void>((resolve) => session.on('displaced', () => resolve()))
      await session.open()
      return { session, displaced }
    }
    const first = await open('first')
    expect(await stub('x', stubContext())).toBe('first')
    const second = await open('second')
    await first.displaced
    // The stub has learned the first one's connection, which is gone.
    expect(await stub('x', stubContext())).toBe('second')
    const third = await open('third')
    await second.displaced
    expect(await tether.stub({ transport: transport() })('x', stubContext())).toBe('third')
    expect(await stub('x', stubContext())).toBe('third')
    expect(await Promise.race([third.displaced, 'holds'])).toBe('holds')
  })
})

describe('a deployed stub over API Gateway', () => {
  /** The built bundle in a process of its own. */
  async function startStub(env: Record<string, string>) {
    const script = fileURLToPath(new URL('../support/stub-process.cjs', import.meta.url))
    const child = fork(script, [runFile('stub-api-gateway')], {
      env: {
        PATH: process.env.PATH,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: identity.accessKeyId,
        AWS_SECRET_ACCESS_KEY: identity.secretAccessKey,
        AWS_SESSION_TOKEN: identity.sessionToken,
        ...env,
      },
      execArgv: [],
    })
    onTestFinished(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    })
    await once(child, 'message')
    return {
      child,
      async invoke(event: unknown) {
        const answer = once(child, 'message')
        child.send({ event, requestId: 'request', remainingMs: 15_000 })
        return (await answer)[0] as unknown
      },
    }
  }

  async function opened() {
    const api = await openApi()
    const tether = new Tether({ key })
    onTestFinished(() => tether[Symbol.asyncDispose]())
    const transport = bothSides({ endpoint: api.endpoint })
    const session = tether.session({ transport }).serve({ functions: echo })
    await session.open()
    const { endpoint } = api
    const names = { app: 'shop', stage: 'dev', functionId: 'api' }
    const stub = await startStub(stubEnvironment({ ...names, key: tether.key, endpoint }))
    expect(await stub.invoke('before')).toEqual({ result: { echo: 'before' } })
    const [, { connectionId }] = api.connections() as [OpenConnection, OpenConnection]
    return { api, stub, connectionId }
  }

  // Where there is no SIGSTOP, nothing freezes.
  test.skipIf(process.platform === 'win32')(
    'that was frozen while its connection ended answers its first invocation after the thaw',
    async () => {
      const { api, stub, connectionId } = await opened()
      stub.child.kill('SIGSTOP')
      api.cut({ connectionId })
      stub.child.kill('SIGCONT')
      expect(await stub.invoke('after')).toEqual({ result: { echo: 'after' } })
    },
  )

  test('that was killed leaves its session as it was', async () => {
    const { api, stub, connectionId } = await opened()
    const ended = new Promise<string>((resolve) => {
      api.once('disconnect', (detail) => resolve(detail.connectionId))
    })
    stub.child.kill('SIGKILL')
    expect(await ended).toBe(connectionId)
    expect(api.stats().connections).toBe(1)
  })
})

describe('over hours of API Gateway', () => {
  /** An API, a session and a stub on one clock that a test moves. */
  async function onOneClock(tether: Tether) {
    const clock = new ManualClock(Date.now())
    let runs = 0
    const api = await openApi({ clock, fails: () => !++runs })
    let ended = 0
    api.on('invocation', () => {
      ended++
    })
    /** Moves time on; what goes over sockets meanwhile has arrived. */
    const pass = async (ms: number) => {
      for (let left = ms; left > 0; left -= 5_000) {
        await clock.advance(Math.min(left, 5_000))
        do await settle(10)
        while (runs > ended)
      }
    }
    const transport = bothSides({ endpoint: api.endpoint, clock })
    const session = tether.session({ transport, clock })
    const stub = tether.stub({ transport, clock })
    /** Leaves no wait by a clock that nobody moves any more. */
    const close = async () => {
      const closing = Promise.all([stub.close(), session.close({ signal: AbortSignal.abort() })])
      await pass(10_000)
      await closing
    }
    return {
      api,
      clock,
      pass,
      session,
      stub,
      close,
      ids: () => api.connections().map(({ connectionId }) => connectionId),
    }
  }

  test('eleven idle minutes end no connection', async () => {
    await using tether = new Tether({ key })
    const { api, clock, pass, session, stub, close, ids } = await onOneClock(tether)
    await openListening(session.serve({ functions: echo }), clock)
    expect(await stub('before', stubContext())).toEqual({ echo: 'before' })
    const before = ids()
    await pass(11 * 60_000)
    expect(ids()).toEqual(before)
    expect(api.stats().messages.ping).toBe(4)
    expect(await stub('after', stubContext())).toEqual({ echo: 'after' })
    // The stub has another one: it cannot know whether it was frozen.
    expect(ids()).toContain(before[0])
    await close()
  })

  test('three hours lose nothing, though each connection lives for two', async () => {
    await using tether = new Tether({ key })
    const { api, clock, pass, session, stub, close, ids } = await onOneClock(tether)
    const codes: number[] = []
    api.on('disconnect', ({ code }) => codes.push(code))
    let switched = () => {}
    const whenSwitched = new Promise<void>((resolve) => {
      switched = resolve
    })
    const runs = new Map<unknown, number>()
    session.serve({
      functions: {
        api: async (event: unknown) => {
          runs.set(event, (runs.get(event) ?? 0) + 1)
          if (event === 'through the switch') await whenSwitched
          return { echo: event }
        },
      },
    })
    await openListening(session, clock)
    const [firstId] = ids()
    let through: Promise<unknown> | undefined
    for (let minute = 0; minute < 180; minute++) {
      if (minute === 118) through = stub('through the switch', stubContext({ remainingMs: 900_000 }))
      if (minute === 122) switched()
      expect(await stub(minute, stubContext({ remainingMs: 900_000 }))).toEqual({ echo: minute })
      await pass(60_000)
    }
    expect(await through).toEqual({ echo: 'through the switch' })
    expect([...runs.values()].filter((times) => times !== 1)).toEqual([])
    expect(runs.size).toBe(181)
    expect(ids()).not.toContain(firstId)
    // Each was closed by its own side, after its successor had taken over: none by API Gateway, when its time was over.
    expect(codes.length).toBeGreaterThan(1)
    expect(new Set(codes)).toEqual(new Set([1000]))
    await close()
  }, 60_000)
})
