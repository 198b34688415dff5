import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../src/core/base/clock.js'
import { childProcesses, workerThreads } from '../../src/executors/index.js'
import type { ServeOptions } from '../../src/index.js'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { file } from '../../src/sources/file.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** Waits for a timer of its own realm, and for an immediate: a worker's are not those that the test replaced. */
const WAITS = `export const handler = async (event) => {
  await new Promise((resolve) => setTimeout(resolve, 1))
  await new Promise((resolve) => setImmediate(resolve))
  return { waited: event }
}`

/** As fake timers do, for good, and with them everything else that a runner can replace. */
const REPLACES = `export const handler = async (event) => {
  for (const name of ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'queueMicrotask'])
    globalThis[name] = () => 0
  await new Promise((resolve) => process.stdout.write('replaced\\n', resolve))
  return { replaced: event }
}`

async function moduleOf(code: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lambda-tether-fake-timers-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'handler.mjs')
  await writeFile(path, code)
  return path
}

const EXECUTORS: readonly (readonly [string, () => Promise<ServeOptions>])[] = [
  ['inline', async () => ({ functions: { api: async (waited: unknown) => ({ waited }) } })],
  [
    'worker threads',
    async () => ({ functions: { api: file(await moduleOf(WAITS)) }, executor: workerThreads() }),
  ],
  [
    'child processes',
    async () => ({ functions: { api: file(await moduleOf(WAITS)) }, executor: childProcesses() }),
  ],
]

afterEach(() => {
  vi.useRealTimers()
})

describe.each(EXECUTORS)('with fake timers in the host and %s', (_name, serve) => {
  test.each(['before open()', 'after open()', 'after the first invocation'] as const)(
    'an invocation is answered: installed %s',
    async (when) => {
      await using tether = new Tether()
      const session = tether.session().serve(await serve())
      const stub = tether.stub()
      if (when === 'before open()') vi.useFakeTimers()
      await session.open()
      if (when === 'after open()') vi.useFakeTimers()
      expect(await stub({ n: 1 }, stubContext())).toEqual({ waited: { n: 1 } })
      if (when === 'after the first invocation') vi.useFakeTimers()
      expect(await stub({ n: 2 }, stubContext())).toEqual({ waited: { n: 2 } })
      await session.close()
    },
  )
})

describe.each([
  ['worker threads', workerThreads],
  ['child processes', childProcesses],
] as const)('where local code replaces the timers of %s', (_name, executor) => {
  test('the invocation and those after it are answered', async () => {
    await using tether = new Tether()
    const functions = { api: file(await moduleOf(REPLACES)) }
    await tether.session().serve({ functions, executor: executor() }).open()
    const stub = tether.stub()
    for (const n of [1, 2]) expect(await stub({ n }, stubContext())).toEqual({ replaced: { n } })
  })
})

test('a date that a test sets is not the one of the session', () => {
  const before = Date.now()
  vi.useFakeTimers({ toFake: ['Date'], now: 0 })
  expect(Date.now()).toBe(0)
  expect(systemClock.now()).toBeGreaterThanOrEqual(before)
})

test('a connection over MQTT pings by no timer that can be replaced', async () => {
  await using broker = createLocalBroker()
  await broker.open()
  vi.useFakeTimers({ toFake: ['setInterval'] })
  const connection = await mqtt({ url: broker.mqttUrl }).connect(
    { app: 'app', stage: 'dev', role: 'session', name: 'default' },
    { onFrame() {} },
  )
  expect(vi.getTimerCount()).toBe(0)
  await connection.close()
})
