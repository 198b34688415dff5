import { writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import { createLocalCloud, type LocalCloud, type LocalFunction } from '../../src/local/index.js'
import type { StubEnvironmentOptions } from '../../src/stub/index.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { freePort } from '../support/free-port.js'
import { startTcpRelay } from '../support/tcp-relay.js'
import { layerFolder, outcome, takesCallbacks, wrappedFunction } from './wrapped-function.js'

/** Whose answer waits until the event loop runs empty, where the runtime takes such a handler. */
const CALLBACK = takesCallbacks
  ? `exports.handler = (event, context, callback) => { callback(null, { by: 'cloud', event }) }`
  : `exports.handler = (event) => ({ by: 'cloud', event })`
const ASYNC = `exports.handler = async (event) => ({ by: 'cloud', event })`

/** Where a mirror's broker would be: told apart by what it does to who connects. */
interface Broker {
  readonly url: string
  /** Resolves when somebody has connected; at once where nobody can. */
  readonly tried: Promise<void>
}

/** Nobody listens there. */
async function deadBroker(): Promise<Broker> {
  return { url: `mqtt://127.0.0.1:${await freePort()}`, tried: Promise.resolve() }
}

/** Takes connections, and what is sent, and never says a word. */
async function hangingBroker(): Promise<Broker> {
  const sockets = new Set<Socket>()
  let onTried = () => {}
  const tried = new Promise<void>((resolve) => {
    onTried = resolve
  })
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onTried()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return { url: `mqtt://127.0.0.1:${port}`, tried }
}

describe('a mirrored function', () => {
  let cloud: LocalCloud
  const key = generateKey()
  let names = 0

  beforeAll(async () => {
    // Not frozen, a function's copies leave while it waits: what a test hears does not depend on its haste.
    cloud = createLocalCloud({ lambda: { freeze: false } })
    await cloud.open()
  })
  afterAll(() => cloud.close())

  function target(options: Partial<StubEnvironmentOptions> = {}) {
    const stage = `stage-${++names}`
    const stub = { app: 'shop', stage, key, functionId: 'api', url: cloud.mqttUrl, mode: 'mirror' } as const
    return { name: stage, stub: { ...stub, ...options } }
  }

  function session(stage: string) {
    const made = createSession({ app: 'shop', stage, key, transport: mqtt({ url: cloud.mqttUrl }) })
    onTestFinished(() => made.close({ signal: AbortSignal.abort() }))
    return made
  }

  it.each([
    ['async', ASYNC],
    ['callback', CALLBACK],
  ])('answers itself, and the session gets its events (%s)', async (_style, code) => {
    const { name, stub } = target()
    const made = session(name)
    const ran = new Promise<unknown>((resolve) => {
      made.serve({ functions: { api: async (event: unknown) => resolve(event) } })
    })
    await made.open()
    const next = made.next('api', { where: ({ event }) => (event as { n: number }).n === 2 })
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': code } })
    expect((await outcome(fn, { n: 1 })).answer).toEqual({ by: 'cloud', event: { n: 1 } })
    expect((await outcome(fn, { n: 2 })).answer).toEqual({ by: 'cloud', event: { n: 2 } })
    const invocation = await next
    expect(invocation.mirrored).toBe('event')
    expect(invocation.event).toEqual({ n: 2 })
    expect(invocation.env).toMatchObject({ AWS_REGION: 'us-east-1' })
    expect(invocation.context.functionName).toBe(name)
    await invocation.respond({ by: 'local' })
    expect(await ran).toEqual({ n: 1 })
  })

  it('sends a large event without its body', async () => {
    const { name, stub } = target({ mirrorMaxBytes: 1_000 })
    const made = session(name)
    const seen = new Promise<unknown>((resolve) => {
      made.on('invoke', ({ mirrored, event }) => resolve([mirrored, event]))
    })
    await made.open()
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': ASYNC } })
    await outcome(fn, { text: 'x'.repeat(1_000) })
    expect(await seen).toEqual(['metadata', null])
  })

  it('answers itself while its session takes every event and stays silent', async () => {
    const { name, stub } = target()
    const made = session(name)
    const heard = new Promise<void>((resolve) => {
      made.on('invoke', (invocation) => {
        invocation.ack()
        if (invocation.context.functionName === name) resolve()
        return new Promise(() => {})
      })
    })
    await made.open()
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': CALLBACK } })
    await answersAtOnce(fn)
    await heard
    await answersAtOnce(fn)
  })

  /** Warm invocations, the event loop of which runs empty at once. */
  async function answersAtOnce(fn: LocalFunction) {
    await outcome(fn)
    for (let n = 0; n < 5; n++) {
      const { answer, functionError, durationMs } = await outcome(fn, { n })
      expect(functionError).toBeUndefined()
      expect(answer).toEqual({ by: 'cloud', event: { n } })
      // Anything of the stub's that was waited for takes its connect time-out of 5 s, or a second at the least.
      expect(durationMs).toBeLessThan(500)
    }
  }

  describe.each([
    ['async', ASYNC],
    ['callback', CALLBACK],
  ])('failure 8, mirror mode is not passive (%s handler)', (_style, code) => {
    it.each([
      ['unreachable', deadBroker],
      ['hanging', hangingBroker],
    ])('the real function does not notice that the broker is %s', async (_how, makeBroker) => {
      const { url, tried } = await makeBroker()
      const { name, stub } = target({ url })
      const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': code } })
      await outcome(fn)
      await tried
      await answersAtOnce(fn)
    })
  })

  it('does not notice a name that cannot be looked up', async () => {
    const { name, stub } = target({ url: 'mqtts://broker.invalid' })
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': CALLBACK } })
    await answersAtOnce(fn)
  })

  it.each([
    ['does not load', `throw new Error('bug')`],
    ['throws later', `setTimeout(() => { throw new Error('bug') }, 10)`],
    ['rejects', `Promise.reject(new Error('bug'))`],
    [
      'throws at every event',
      `require('node:worker_threads').parentPort.on('message', () => { throw new Error('bug') })`,
    ],
    ['exits', `process.exit(1)`],
    [
      'takes all memory',
      `const all = []; setInterval(() => { for (let i = 0; i < 100; i++) all.push(new Array(10000).fill({})) }, 1)`,
    ],
    ['takes nothing', `setInterval(() => {}, 1000)`],
    ['never yields', `for (;;) {}`],
  ])('does not notice a stub that %s', async (_how, bug) => {
    const { name, stub } = target()
    const layer = await layerFolder('mqtt')
    await writeFile(join(layer, 'lambda-tether/stub.cjs'), bug)
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': CALLBACK }, layer })
    for (let n = 0; n < 30; n++) await outcome(fn)
    await answersAtOnce(fn)
    await fn.expire()
  })
})

describe('a mirrored function that is frozen between invocations', () => {
  it('mirrors events after its connection broke, and none twice', async () => {
    await using cloud = createLocalCloud({ lambda: { freeze: true } })
    await cloud.open()
    await using relay = await startTcpRelay(Number(new URL(cloud.mqttUrl).port))
    const key = generateKey()
    const heard: { name: string; n: number }[] = []
    const session = createSession({
      app: 'shop',
      stage: 'frozen',
      key,
      transport: mqtt({ url: cloud.mqttUrl, presence: false }),
    })
    onTestFinished(() => session.close({ signal: AbortSignal.abort() }))
    session.on('invoke', ({ event }) => {
      heard.push(event as { name: string; n: number })
    })
    await session.open()
    const url = `mqtt://127.0.0.1:${relay.port}`
    const stub = { app: 'shop', stage: 'frozen', key, functionId: 'api', url, mode: 'mirror' } as const
    const fn = await wrappedFunction(cloud, { name: 'frozen', stub, files: { 'index.js': CALLBACK } })

    /** Invokes until the session has heard of it: the stub gets on only while the function does. */
    const untilHeard = async (name: string) => {
      const isHeard = () => heard.some((event) => event.name === name)
      for (let n = 0; n < 500 && !isHeard(); n++) {
        const { answer, durationMs } = await outcome(fn, { name, n })
        expect(answer).toEqual({ by: 'cloud', event: { name, n } })
        if (n > 0) expect(durationMs).toBeLessThan(500)
      }
      expect(isHeard()).toBe(true)
    }
    await untilHeard('before')
    relay.hold()
    // Lost, or not yet begun when the function was frozen, and then sent late: the one as the other.
    await outcome(fn, { name: 'under way', n: 0 })
    expect(fn.environments().map(({ state }) => state)).toEqual(['frozen'])
    relay.cut()
    await untilHeard('after')
    expect(fn.environments()).toHaveLength(1)
    const texts = heard.map((event) => JSON.stringify(event))
    expect(texts).toEqual([...new Set(texts)])
  })
})
