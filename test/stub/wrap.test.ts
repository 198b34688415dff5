import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { streamified } from '../../src/core/contracts/response-stream.js'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import type { Handler, Session, Transport } from '../../src/index.js'
import { createLocalCloud, type LocalCloud } from '../../src/local/index.js'
import type { StubEnvironmentOptions } from '../../src/stub/index.js'
import { iot } from '../../src/transports/iot.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { folderOf, outcome, takesCallbacks, wrappedFunction } from './wrapped-function.js'

describe('a wrapped function', () => {
  let cloud: LocalCloud
  const key = generateKey()
  let names = 0

  beforeAll(async () => {
    cloud = createLocalCloud({ lambda: { freeze: true } })
    await cloud.open()
  })
  afterAll(() => cloud.close())

  /** A stage of its own, so that what one test's session leaves with the broker is nothing to another. */
  function target(options: Partial<StubEnvironmentOptions> = {}) {
    const stage = `stage-${++names}`
    const stub = {
      app: 'shop',
      stage,
      key,
      functionId: 'api',
      url: cloud.mqttUrl,
      ackTimeoutMs: 500,
      ...options,
    }
    return { name: stage, stub }
  }

  async function session(
    stage: string,
    transport: Transport = mqtt({ url: cloud.mqttUrl }),
  ): Promise<Session> {
    const made = createSession({ app: 'shop', stage, key, transport })
    made.serve({ functions: { api: async (event: unknown) => ({ by: 'local', event }) } })
    onTestFinished(() => made.close())
    await made.open()
    return made
  }

  /** Takes connections, and never says a word. */
  async function hangingBroker(): Promise<string> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    await once(server, 'listening')
    return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const CJS = `exports.handler = async (event) => ({ by: 'cloud', event, handler: process.env._HANDLER })`

  it.each([
    ['CommonJS', { 'index.js': CJS }],
    [
      'an ES module',
      {
        'index.mjs': `import { sep } from 'node:path'\nexport const handler = async (event) => ({ by: 'cloud', event, handler: process.env._HANDLER })`,
      },
    ],
    [
      'an ES module by its package.json',
      {
        'package.json': '{"type":"module"}',
        'index.js': `await null\nexport ${CJS.replace('exports.', 'const ')}`,
      },
    ],
  ])('that is %s answers itself if no session is there, else through the session', async (_kind, files) => {
    const { region, credentials, iotEndpoint: endpoint } = cloud
    const {
      name,
      stub: { url: _, ...stub },
    } = target({ endpoint })
    const fn = await wrappedFunction(cloud, { name, bundle: 'iot', stub, files })
    expect((await outcome(fn, { n: 1 })).answer).toEqual({
      by: 'cloud',
      event: { n: 1 },
      handler: 'index.handler',
    })
    const there = await session(name, iot({ region, credentials, endpoint }))
    expect((await outcome(fn, { n: 2 })).answer).toEqual({ by: 'local', event: { n: 2 } })
    await there.close()
    const after = await outcome(fn, { n: 3 })
    expect(after.answer).toMatchObject({ by: 'cloud', event: { n: 3 } })
    // The broker keeps the session's goodbye: nobody is waited for.
    expect(after.durationMs).toBeLessThan(400)
  })

  // What ends an invocation is the original's own matter: the runtime's callback and context, and the empty event loop.
  it.skipIf(!takesCallbacks).each([
    [
      'calls back later',
      `exports.handler = (event, context, callback) => { setTimeout(() => callback(null, 'called'), 20) }`,
      'called',
    ],
    [
      'calls back, then goes on',
      `exports.handler = (event, context, callback) => { callback(null, 'early'); setTimeout(() => {}, 150) }`,
      'early',
    ],
    [
      'uses its context',
      `exports.handler = (event, context) => { setTimeout(() => context.succeed('by context'), 20); }`,
      'by context',
    ],
  ])(
    'passes through to a handler that %s (needs a Node of Lambda’s that takes callbacks)',
    async (_how, code, answer) => {
      const { name, stub } = target()
      const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': code } })
      // Nobody is waited for; then, for ten seconds, not at all.
      await outcome(fn)
      const result = await outcome(fn)
      expect(result.answer).toEqual(answer)
      expect(result.functionError).toBeUndefined()
      if (answer === 'early') expect(result.durationMs).toBeGreaterThan(150)
    },
  )

  it.skipIf(takesCallbacks)(
    'finds its handler where Lambda’s newer runtimes do (needs Node 24)',
    async () => {
      const { name, stub } = target()
      const files = { 'index.mjs': `export default { handler: async () => 'by default' }` }
      const fn = await wrappedFunction(cloud, { name, stub, files })
      expect((await outcome(fn)).answer).toBe('by default')
    },
  )

  it('passes through to a handler that returns nothing', async () => {
    const { name, stub } = target()
    const files = { 'index.js': 'exports.handler = (event) => { event.seen = true }' }
    const fn = await wrappedFunction(cloud, { name, stub, files })
    expect(await outcome(fn)).toMatchObject({ answer: null, functionError: undefined })
  })

  it.each([
    ['no session has ever been', () => cloud.mqttUrl, 'mqtt'],
    ['no session has ever been (AWS IoT)', () => cloud.iotEndpoint, 'iot'],
    ['the broker hangs', hangingBroker, 'mqtt'],
  ] as const)(
    'has time for its own code within Lambda’s default of 3 s when %s',
    async (_, address, bundle) => {
      const {
        name,
        stub: { ackTimeoutMs: _default, url: _other, ...stub },
      } = target()
      const fn = await wrappedFunction(cloud, {
        name,
        bundle,
        files: { 'index.js': CJS },
        stub: { ...stub, [bundle === 'iot' ? 'endpoint' : 'url']: await address() },
        timeoutMs: 3_000,
      })
      expect((await outcome(fn)).answer).toMatchObject({ by: 'cloud' })
      // It does not wait again so soon.
      expect((await outcome(fn)).answer).toMatchObject({ by: 'cloud' })
    },
  )

  it('passes on errors of the original', async () => {
    const { name, stub } = target()
    const code = `exports.handler = (event) => { if (event.sync) throw new RangeError('at once'); return Promise.reject(new TypeError('later')) }`
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': code } })
    expect(await outcome(fn, { sync: true })).toMatchObject({
      functionError: 'Unhandled',
      answer: { errorType: 'RangeError', errorMessage: 'at once' },
    })
    expect(await outcome(fn, {})).toMatchObject({ answer: { errorType: 'TypeError', errorMessage: 'later' } })
  })

  it('lets local code answer if its own cannot be loaded, and reports the load error if no session is there', async () => {
    const { name, stub } = target()
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': `require('./missing')` } })
    const there = await session(name)
    expect((await outcome(fn, { n: 1 })).answer).toMatchObject({ by: 'local' })
    await there.close()
    expect((await outcome(fn)).answer).toMatchObject({ errorType: 'Runtime.ImportModuleError' })
  })

  it('runs its own code untouched once its time is over', async () => {
    const past = target({ liveUntil: Date.now() - 1 })
    const files = { 'index.js': CJS }
    const fn = await wrappedFunction(cloud, { ...past, files })
    await session(past.name)
    const { answer, logTail } = await outcome(fn, {})
    expect(answer).toMatchObject({ by: 'cloud' })
    expect(logTail).toContain('was live until')
  })

  it.each([
    ['is no key', { LAMBDA_TETHER_KEY: 'short' }],
    ['is a session’s key', { LAMBDA_TETHER_KEY: generateKey() }],
    ['lacks a part', { LAMBDA_TETHER_APP: '' }],
    ['names no broker', { LAMBDA_TETHER_URL: 'nonsense://' }],
  ])('runs its own code if the configuration %s', async (_what, environment) => {
    const { name, stub } = target()
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': CJS }, environment })
    const { answer, logTail } = await outcome(fn)
    expect(answer).toMatchObject({ by: 'cloud' })
    expect(logTail).toMatch(/the function.s own code runs/i)
  })

  it('streams a session’s answer, or its own if no session is there', async () => {
    const { name, stub } = target()
    const code = `exports.handler = awslambda.streamifyResponse(async (event, stream) => {
      stream.setContentType('text/event-stream')
      stream.write('cloud ')
      if (event.fails) throw new RangeError('cloud')
      stream.end(String(stream.writableHighWaterMark))
    }, { highWaterMark: 1234 })`
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': code } })
    const run = async (event: unknown) => {
      const { contentType, body, end } = await fn.invokeWithResponseStream(event)
      const chunks: Uint8Array[] = []
      for await (const chunk of body) chunks.push(chunk)
      return [contentType, Buffer.concat(chunks).toString(), (await end).error?.type]
    }
    expect(await run({})).toEqual(['text/event-stream', 'cloud 1234', undefined])
    expect(await run({ fails: true })).toEqual(['text/event-stream', 'cloud ', 'RangeError'])
    const made = await session(name)
    const api = streamified(async (event, stream) => {
      stream.setContentType('text/html')
      stream.write('local ')
      if (event.fails) throw new TypeError('local')
      stream.end('x'.repeat(300_000))
    })
    made.functions.set('api', api as Handler)
    expect(await run({})).toEqual(['text/html', `local ${'x'.repeat(300_000)}`, undefined])
    expect(await run({ fails: true })).toEqual(['text/html', 'local ', 'TypeError'])
  })

  describe('that another wrapper starts', () => {
    const WRAPPER = `#!/bin/bash
export OTHER_SAW="$_HANDLER" OTHER_WRAPPER="$AWS_LAMBDA_EXEC_WRAPPER"
`
    const code = `exports.handler = async () => ({ by: 'cloud', saw: process.env.OTHER_SAW, wrapper: process.env.OTHER_WRAPPER, title: process.title, flags: process.execArgv })`

    async function chained(rest: string, files: Record<string, string> = {}) {
      const { name, stub } = target({ execWrapper: '/opt/other.sh' })
      const layer = await folderOf({ 'other.sh': WRAPPER + rest, ...files })
      const fn = await wrappedFunction(cloud, {
        name,
        stub: { ...stub, execWrapper: `${layer}/other.sh` },
        files: { 'index.js': code },
        layers: [layer],
      })
      return { name, fn, layer }
    }

    it.each([
      ['as it is', 'exec "$@"'],
      ['with an option behind its name', `exec "$1" --title=other "\${@:2}"`],
      [
        'with an option before the last word',
        `args=("$@"); exec "\${args[@]:0:$#-1}" --title=other "\${args[@]: -1}"`,
      ],
    ])('still is: %s', async (how, rest) => {
      const { name, fn } = await chained(rest)
      const { answer } = await outcome(fn)
      expect(answer).toMatchObject({ by: 'cloud', saw: 'index.handler' })
      expect(answer.wrapper).toMatch(/other\.sh$/)
      if (how !== 'as it is') expect(answer.flags).toContain('--title=other')
      await session(name)
      expect((await outcome(fn)).answer).toMatchObject({ by: 'local' })
    })

    it('wraps the handler that the other wrapper sets', async () => {
      const { name, fn } = await chained(`export _HANDLER="\${0%/*}/instrumented.handler" ; exec "$@"`, {
        'instrumented.cjs': `exports.handler = async () => 'instrumented'`,
      })
      expect((await outcome(fn)).answer).toBe('instrumented')
      await session(name)
      expect((await outcome(fn)).answer).toMatchObject({ by: 'local' })
    })
  })

  it('leaves the threads and processes that the function starts alone', async () => {
    const { name, stub } = target()
    const code = `
      const { execFileSync } = require('node:child_process')
      const { once } = require('node:events')
      const { Worker } = require('node:worker_threads')
      const seen = '[process.env._HANDLER, process.env.LAMBDA_TETHER_HANDLER ?? null]'
      exports.handler = async () => {
        const thread = new Worker('require("node:worker_threads").parentPort.postMessage(' + seen + ')', { eval: true })
        const [inThread] = await once(thread, 'message')
        const flags = [...process.execArgv, '-p', 'JSON.stringify(' + seen + ')']
        return [eval(seen), inThread, JSON.parse(execFileSync(process.execPath, flags))]
      }`
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': code } })
    const own = ['index.handler', null]
    expect((await outcome(fn)).answer).toEqual([own, own, own])
  })

  it('keeps modules preloaded into the function out of the stub', async () => {
    const layer = await folderOf({ 'preload.cjs': `console.log('preloaded')` })
    const { name, stub } = target()
    const environment = { NODE_OPTIONS: `--require ${layer}/preload.cjs` }
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': CJS }, environment })
    await session(name)
    const { answer, logTail } = await outcome(fn)
    expect(answer).toMatchObject({ by: 'local' })
    expect(logTail.match(/preloaded/g)).toHaveLength(1)
  })

  it('never runs its own code after a session has acknowledged, though its stub dies', async () => {
    const { name, stub } = target()
    // It ends the stub's thread at the first word from there.
    const code = `const { Worker } = require('node:worker_threads')
      const { postMessage } = Worker.prototype
      Worker.prototype.postMessage = function (...args) {
        this.once('message', () => this.terminate())
        return postMessage.apply(this, args)
      }
      exports.handler = async () => 'cloud'`
    const made = createSession({ app: 'shop', stage: name, key, transport: mqtt({ url: cloud.mqttUrl }) })
    onTestFinished(() => made.close({ signal: AbortSignal.abort() }))
    const acknowledged: unknown[] = []
    made.on('invoke', (invocation) => invocation.ack())
    made.on('ack', ({ event }) => acknowledged.push(event))
    await made.open()
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': code }, timeoutMs: 3_000 })
    expect((await outcome(fn, { n: 1 })).answer).toMatchObject({
      errorType: 'LambdaTether.SESSION_LOST',
      errorMessage: expect.stringContaining('had acknowledged'),
    })
    expect(acknowledged).toEqual([{ n: 1 }])
  })

  it('survives the death of its stub', async () => {
    const { name, stub } = target()
    // It finds the stub's thread where no function would look for it.
    const code = `const { Worker } = require('node:worker_threads')
      const threads = []
      const { postMessage } = Worker.prototype
      Worker.prototype.postMessage = function (...args) { threads.push(this); return postMessage.apply(this, args) }
      exports.handler = async (event) => { if (event.kill) await threads.at(-1).terminate(); return 'cloud' }`
    const fn = await wrappedFunction(cloud, { name, stub, files: { 'index.js': code } })
    expect((await outcome(fn, { kill: true })).answer).toBe('cloud')
    const { answer, durationMs } = await outcome(fn, {})
    expect(answer).toBe('cloud')
    expect(durationMs).toBeLessThan(400)
  })
})
