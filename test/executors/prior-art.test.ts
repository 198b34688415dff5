import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import { childProcesses, workerThreads } from '../../src/executors/index.js'
import type { Executor, FunctionSource, LogEvent, Session } from '../../src/index.js'
import { createStub } from '../../src/stub/handler.js'
import type { StubHandler, StubOptions } from '../../src/stub/index.js'
import { stubKey } from '../../src/stub/key.js'
import { memory } from '../../src/transports/memory.js'
import { stubContext } from '../support/stub-context.js'
import { SMALL_HEAP } from '../testing/executor-subjects.js'
import { type HandlerProject, handlerProject } from './handler-project.js'

/** What the remote waits where nobody tells it that the local code is gone: far longer than a test may take. */
const LONG_MS = 300_000

/** Where nothing is missed an outcome takes well under this. */
const AT_ONCE_MS = 5_000

let project: HandlerProject
let session: Session
let lines: LogEvent[]
let stubs: StubHandler[]
let shared: { app: string; stage: string; key: string; transport: ReturnType<typeof memory> }

beforeEach(async () => {
  project = await handlerProject()
  shared = { app: 'shop', stage: 'dev', key: generateKey(), transport: memory() }
  session = createSession(shared)
  stubs = []
  lines = []
  session.on('log', (line) => lines.push(line))
})

afterEach(async () => {
  await Promise.all(stubs.map((stub) => stub.close()))
  await session.close({ signal: AbortSignal.abort() })
  await project[Symbol.asyncDispose]()
})

function stubOf(functionId: string, options: Partial<StubOptions> = {}): StubHandler {
  const { app, stage, key } = shared
  const stub = createStub({
    ...shared,
    key: stubKey({ app, stage, key, functionId }),
    functionId,
    env: {},
    ...options,
  })
  stubs.push(stub)
  return stub
}

/** A stub is an execution environment. */
function environment(functionId = 'api') {
  const stub = stubOf(functionId)
  return (event: unknown, requestId = 'r-1', remainingMs = LONG_MS) =>
    stub(event, stubContext({ awsRequestId: requestId, remainingMs }))
}

/** Serves a module of this text and opens the session; gives its path. */
async function serve(executor: Executor, text: string, name = 'api.mjs'): Promise<string> {
  const path = await project.write(name, text)
  session.serve({ executor, functions: { api: `${path}#handler` } })
  await session.open()
  return path
}

/** The first line with this text, now or later. */
function lineOf(text: string): Promise<LogEvent> {
  return new Promise((resolve) => {
    const known = lines.find((line) => line.text === text)
    if (known) resolve(known)
    session.on('log', (line) => {
      if (line.text === text) resolve(line)
    })
  })
}

/** As an editor saves: the new file takes the old one's place. */
function save(path: string, text: string): void {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

describe.each([
  ['worker threads', () => workerThreads({ resourceLimits: SMALL_HEAP })],
  ['child processes', () => childProcesses()],
])('%s', (name, make) => {
  test.each([0, 1])('prior art 4: process.exit(%i) is answered at once', async (code) => {
    await serve(make(), `export const handler = async ({ exit }) => exit ? process.exit(${code}) : 'fine'`)
    const invoke = environment()
    const startedAt = performance.now()
    await expect(invoke({ exit: true })).rejects.toMatchObject({ name: 'Runtime.ExitError' })
    expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS)
    expect(await invoke({})).toBe('fine')
  })

  test('prior art 5: an invocation running during a save is answered by the code that it began with', async () => {
    const released = join(project.folder, 'released')
    const version = (n: number) => `
      import { existsSync } from 'node:fs'
      import { setTimeout } from 'node:timers/promises'
      export const handler = async ({ wait }) => {
        if (wait) console.log('running')
        while (wait && !existsSync(${JSON.stringify(released)})) await setTimeout(5)
        return ${n}
      }`
    const path = await serve(make(), version(1))
    const [busy, other] = [environment(), environment()]
    const running = busy({ wait: true })
    await lineOf('running')
    const reloaded = new Promise((resolve) => session.once('reload', resolve))
    save(path, version(2))
    await reloaded
    expect(await other({})).toBe(2)
    expect(existsSync(released)).toBe(false)
    writeFileSync(released, '')
    expect(await running).toBe(1)
    expect(await busy({})).toBe(2)
  })

  test('prior art 10: a line over 64 KiB comes whole, and others after it', async () => {
    await serve(
      make(),
      `let invocations = 0
       export const handler = async () => {
         console.log('漢'.repeat(100_000))
         console.log('after it')
         return ++invocations
       }`,
    )
    const invoke = environment()
    for (const n of [1, 2]) expect(await invoke({}, `r-${n}`)).toBe(n)
    const long = '漢'.repeat(100_000)
    const expected = [1, 2].flatMap((n) => [
      { text: long, requestId: `r-${n}` },
      { text: 'after it', requestId: `r-${n}` },
    ])
    expect(lines.map(({ text, requestId }) => ({ text, requestId }))).toEqual(expected)
  })

  test('prior art 11: lines are of the invocation that wrote them, in one environment and in several at once', async () => {
    await serve(
      make(),
      `import { setTimeout } from 'node:timers/promises'
       export const handler = async ({ mark }) => {
         for (let i = 0; i < 20; i++) {
           console.log(mark)
           await setTimeout(1)
         }
       }`,
    )
    const environments = [environment(), environment(), environment()]
    const marks = ['a', 'b', 'c', 'd', 'e', 'f']
    await Promise.all(marks.map((mark, i) => environments[i % 3]?.({ mark }, `request of ${mark}`)))
    expect(lines).toHaveLength(marks.length * 20)
    for (const { text, requestId } of lines) expect(requestId).toBe(`request of ${text}`)
  })

  test('prior art 15: the remaining time counts down, and context.done, fail, succeed and callbacks answer', async () => {
    await serve(
      make(),
      `export const handler = (event, context, callback) => {
         const before = context.getRemainingTimeInMillis()
         setTimeout(() => {
           const spent = before - context.getRemainingTimeInMillis()
           if (event.end === 'callback') callback(null, { before, spent })
           else if (event.end === 'fail') context.fail(new RangeError('failed'))
           else if (event.end === 'done') context.done(null, { before, spent })
           else context.succeed({ before, spent })
         }, 40)
       }`,
    )
    const invoke = environment()
    for (const end of ['callback', 'done', 'succeed']) {
      const { before, spent } = (await invoke({ end }, end, 60_000)) as { before: number; spent: number }
      expect(before).toBeGreaterThan(50_000)
      expect(before).toBeLessThanOrEqual(60_000)
      // A timer may be a millisecond early.
      expect(spent).toBeGreaterThanOrEqual(38)
    }
    await expect(invoke({ end: 'fail' })).rejects.toMatchObject({ name: 'RangeError', message: 'failed' })
  })

  const crashes: readonly (readonly [string, string])[] = [
    ['an error that nobody catches', 'setTimeout(() => { throw new Error("loose") }, 1)'],
    ['a rejection that nobody handles', 'Promise.reject(new Error("unheard"))'],
    ...(name === 'worker threads'
      ? [['no memory left', 'let kept; for (let n = 0; ; n++) kept = { kept, n, more: [n, n, n] }'] as const]
      : [
          ['abort()', 'process.abort()'] as const,
          ['a signal', 'process.kill(process.pid, "SIGKILL")'] as const,
        ]),
  ]
  test.each(crashes)('prior art 16: %s ends one worker and nothing else', async (_crash, code) => {
    await serve(
      make(),
      `let invocations = 0
       export const handler = async ({ crash }) => {
         invocations++
         if (crash) { ${code}; await new Promise((resolve) => setTimeout(resolve, ${LONG_MS})) }
         return invocations
       }`,
    )
    const [crashing, other] = [environment(), environment()]
    expect(await other({})).toBe(1)
    const startedAt = performance.now()
    await expect(crashing({ crash: true })).rejects.toThrow()
    expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS)
    expect(await other({})).toBe(2)
    expect(await crashing({})).toBe(1)
  })
})

test('prior art 11: a line written after the answer is of the invocation that caused it', async () => {
  await serve(
    workerThreads(),
    `let release
     export const handler = async ({ first }) => {
       if (first) void new Promise((resolve) => { release = resolve }).then(() => console.log('left behind'))
       else {
         release()
         await new Promise(setImmediate)
         console.log('own')
       }
     }`,
  )
  const invoke = environment()
  await invoke({ first: true }, 'first')
  await invoke({}, 'second')
  expect(lines.map(({ text, requestId }) => [text, requestId])).toEqual([
    ['left behind', 'first'],
    ['own', 'second'],
  ])
})

describe('while a function is built', () => {
  test('prior art 13: it is acknowledged, and others are answered', async () => {
    const held: { source: FunctionSource; release(): void } = heldSource(
      await project.write('slow.mjs', 'export const handler = async () => "built"'),
    )
    session.serve({ executor: workerThreads(), functions: { api: held.source, other: async () => 'free' } })
    await session.open()
    const stub = stubOf('api', { ackTimeoutMs: 300 })
    const building = stub({}, stubContext({ remainingMs: LONG_MS }))
    // It has lasted twice as long as the stub waits for a sign of life, and others were answered all the while.
    const other = environment('other')
    const until = performance.now() + 600
    while (performance.now() < until) expect(await other({})).toBe('free')
    held.release()
    expect(await building).toBe('built')
  })

  test('prior art 13: 1,000 modules are built beside the event loop', async () => {
    const modules = Array.from({ length: 1_000 }, (_, i) => i)
    for (const i of modules) {
      await project.write(`parts/m${i}.ts`, `export const value${i}: number = ${i}\n`.repeat(1))
    }
    const imports = modules.map((i) => `import { value${i} } from './parts/m${i}.ts'`).join('\n')
    const sum = modules.map((i) => `value${i}`).join(' + ')
    await project.write('big.ts', `${imports}\nexport const handler = async () => ${sum}`)
    session.serve({
      executor: workerThreads(),
      functions: { api: `${project.folder}/big.ts#handler`, other: async () => 'free' },
    })
    await session.open()
    let built = false
    const building = environment()({}).finally(() => {
      built = true
    })
    const other = environment('other')
    let slowestMs = 0
    while (!built) {
      const startedAt = performance.now()
      expect(await other({})).toBe('free')
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    }
    expect(await building).toBe(499_500)
    // What a stub waits for an ack is 3,000 ms.
    expect(slowestMs).toBeLessThan(3_000)
  })
})

test.each(['api.mjs', 'api.ts'])(
  'prior art 14: a second save right after the first is not missed: %s',
  async (name) => {
    const version = (n: number) => `export const handler = async () => ${n}`
    const path = await serve(workerThreads(), version(0), name)
    const invoke = environment()
    expect(await invoke({})).toBe(0)
    for (let n = 1; n <= 20; n += 2) {
      save(path, version(n))
      // From at once to within what watchers collect changes for.
      if (n % 4 === 1) await new Promise((resolve) => setImmediate(resolve))
      save(path, version(n + 1))
      // Asked until it comes; one that was missed never would.
      while ((await invoke({})) !== n + 1);
    }
  },
)

/** A module on disk whose build takes until it is released. */
function heldSource(path: string): { source: FunctionSource; release(): void } {
  let release = () => {}
  const built = new Promise<void>((resolve) => {
    release = resolve
  })
  return {
    source: {
      async load() {
        await built
        return { kind: 'file', path, exportName: 'handler' }
      },
    },
    release: () => release(),
  }
}
