import { PassThrough, Readable, type Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { TetherError } from '../../src/core/base/errors.js'
import type { CallOutcome } from '../../src/core/caller/call-state.js'
import type { CallInput } from '../../src/core/caller/options.js'
import { generateKey } from '../../src/core/wire/root-key.js'
import type { Handler } from '../../src/index.js'
import type { CallFacts } from '../../src/stub/call-input.js'
import { type StubEnvironmentOptions, stubEnvironment } from '../../src/stub/index.js'
import { wrapHandler } from '../../src/stub/wrap/wrap.js'
import { ManualClock } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
type Streaming = (event: unknown, stream: Writable, context: unknown) => Promise<unknown>
const nobody = () => Promise.reject(new TetherError('NO_SESSION', 'nobody'))
const answers = async (): Promise<CallOutcome> => ({ kind: 'value', body: Buffer.from('"local"') })

/** A wrapped handler whose stub is the test's. */
class World {
  readonly clock = new ManualClock()
  readonly mirrored: { facts: CallFacts; mirrored: string; event: string }[] = []
  readonly called: CallInput[] = []
  readonly warnings: string[] = []
  closed = false
  call: (input: CallInput) => Promise<CallOutcome> = answers
  onMirror: () => void = () => {}

  wrap(original: Handler | Error, options: Partial<StubEnvironmentOptions> = {}): Promise<Handler> {
    const key = generateKey()
    const env = stubEnvironment({
      app: 'shop',
      stage: 'dev',
      key,
      functionId: '*',
      url: 'mqtt://localhost',
      ...options,
    })
    return wrapHandler({
      env: { ...env, TABLE: 'orders' },
      clock: this.clock,
      warn: (text) => void this.warnings.push(text),
      load: async () => {
        if (original instanceof Error) throw original
        return original
      },
      start: () => ({
        call: (input) => {
          this.called.push(input)
          return this.call(input)
        },
        mirror: (facts, mirrored, event) => {
          this.onMirror()
          this.mirrored.push({ facts, mirrored, event })
        },
        close: async () => {
          this.closed = true
        },
      }),
    })
  }
}

describe('wrapHandler', () => {
  it.each(['live', 'mirror'] as const)('looks to the runtime as the original does (%s)', async (mode) => {
    const callback = function named(_event: unknown, _context: unknown, _callback: unknown) {}
    const async = async (_event: unknown) => {}
    for (const original of [callback, async] as Handler[]) {
      const wrapped = await new World().wrap(original, { mode })
      expect(wrapped.length).toBe(original.length)
      expect(wrapped.name).toBe(original.name)
      // As the runtime tells whether an empty event loop is an error.
      expect(wrapped.constructor.name).toBe(original.constructor.name)
    }
  })

  it('returns the session’s answer, under the function’s name or a configured id', async () => {
    const world = new World()
    const wrapped = await world.wrap(async () => 'cloud')
    const context = stubContext()
    expect(await wrapped({ n: 1 }, context, () => {})).toBe('local')
    // What the original has open is none of the runtime's business here; the runtime's own setting is left alone.
    expect(context.callbackWaitsForEmptyEventLoop).toBe(true)
    await (await world.wrap(async () => 'cloud', { functionId: 'api' }))({}, context, () => {})
    expect(world.called.map(({ functionId }) => functionId)).toEqual(['app-dev-api', 'api'])
    expect(Buffer.from(world.called[0]!.event).toString()).toBe('{"n":1}')
    expect(world.called[0]!.env).toEqual({ TABLE: 'orders' })
  })

  it('runs the original if no session is there, and throws local code’s error', async () => {
    const world = new World()
    const wrapped = await world.wrap(async (event) => ({ cloud: event }))
    world.call = nobody
    expect(await wrapped(1, stubContext(), () => {})).toEqual({ cloud: 1 })
    world.call = () => Promise.reject(new TetherError('SESSION_LOST', 'it ran'))
    await expect(wrapped(1, stubContext(), () => {})).rejects.toMatchObject({ code: 'SESSION_LOST' })
    const error = { errorType: 'RangeError', errorMessage: 'local', trace: ['RangeError: local'] }
    world.call = async () => ({ kind: 'error', error })
    await expect(wrapped(1, stubContext(), () => {})).rejects.toMatchObject({
      name: 'RangeError',
      message: 'local',
    })
  })

  it('throws or responds on request if no session is there', async () => {
    const world = new World()
    world.call = nobody
    const http = { requestContext: { http: { method: 'GET' } } }
    const throwing = await world.wrap(async () => 'cloud', { onNobody: 'throw' })
    await expect(throwing(http, stubContext(), () => {})).rejects.toMatchObject({ code: 'NO_SESSION' })
    const responding = await world.wrap(async () => 'cloud', { onNobody: 'respond' })
    expect(await responding(http, stubContext(), () => {})).toMatchObject({ statusCode: 503 })
  })

  it.each(['live', 'mirror'] as const)('is the original alone once its time is over (%s)', async (mode) => {
    const world = new World()
    const original: Handler = () => 'cloud'
    const liveUntil = world.clock.now() + 1_000
    const wrapped = await world.wrap(original, { mode, liveUntil, onNobody: 'throw' })
    void wrapped({}, stubContext(), () => {})
    await world.clock.advance(1_000)
    expect(wrapped({}, stubContext(), () => {})).toBe('cloud')
    expect(world.called.length + world.mirrored.length).toBe(1)
    expect(await world.wrap(original, { mode, liveUntil })).toBe(original)
    expect(world.warnings).toEqual([expect.stringContaining('was live until')])
  })

  it('streams like the original, with its marks, and gives it the real stream if no session is there', async () => {
    const world = new World()
    const waterMark = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')
    const original = Object.assign(async (_event: unknown, stream: Writable) => stream.end('cloud'), {
      [STREAMING]: 'response',
      [waterMark]: 1024,
    }) as never
    const wrapped = (await world.wrap(original)) as unknown as Streaming
    expect([STREAMING, waterMark, 'length'].map((name) => Reflect.get(wrapped, name))).toEqual([
      'response',
      1024,
      2,
    ])
    const run = async () => {
      const stream = Object.assign(new PassThrough(), { setContentType: () => {} })
      const [text] = await Promise.all([buffer(stream), wrapped({ n: 1 }, stream, stubContext())])
      return text.toString()
    }
    world.call = async () => ({
      kind: 'stream',
      body: Readable.from([Buffer.from('lo'), Buffer.from('cal')]),
    })
    expect(await run()).toBe('local')
    expect(world.called).toMatchObject([{ functionId: 'app-dev-api', streams: true }])
    world.call = answers
    expect(await run()).toBe('"local"')
    world.call = nobody
    expect(await run()).toBe('cloud')
  })

  it('that cannot load is marked as streaming on request', async () => {
    const world = new World()
    const wrapped = await world.wrap(new Error('no such module'), { streaming: true })
    expect(Reflect.get(wrapped, STREAMING)).toBe('response')
  })

  it('fails to load as the original does, unless local code may answer', async () => {
    const world = new World()
    const error = new Error('no such module')
    await expect(world.wrap(error, { mode: 'mirror' })).rejects.toBe(error)
    const wrapped = await world.wrap(error)
    expect(await wrapped({}, stubContext(), () => {})).toBe('local')
    world.call = nobody
    await expect(wrapped({}, stubContext(), () => {})).rejects.toBe(error)
  })
})

describe('a mirrored function', () => {
  it('answers itself, with the arguments and the result untouched', async () => {
    const world = new World()
    const context = stubContext()
    const event = { n: 1 }
    const callback = () => {}
    const result = Promise.resolve('cloud')
    const original: Handler = (...args) => {
      expect(args).toEqual([event, context, callback])
      expect(args[0]).toBe(event)
      event.n = 2
      return result
    }
    const wrapped = await world.wrap(original, { mode: 'mirror' })
    expect(wrapped(event, context, callback)).toBe(result)
    expect(world.mirrored).toEqual([
      { mirrored: 'event', event: '{"n":1}', facts: expect.objectContaining({ remainingMs: 10_000 }) },
    ])
  })

  it('has its context third if it streams', async () => {
    const world = new World()
    const original = Object.assign((_event: unknown, stream: unknown) => stream, { [STREAMING]: 'response' })
    const wrapped = await world.wrap(original as Handler, { mode: 'mirror' })
    const context = stubContext({ awsRequestId: 'streamed' })
    expect(wrapped({}, 'stream' as never, context as never)).toBe('stream')
    expect((wrapped as unknown as typeof original)[STREAMING]).toBe('response')
    expect(world.mirrored[0]!.facts.context.awsRequestId).toBe('streamed')
  })

  it('does not notice failures of its mirror', async () => {
    const world = new World()
    const wrapped = await world.wrap(() => 'cloud', { mode: 'mirror' })
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    const trap = { toJSON: () => expect.fail('read') }
    for (const event of [cyclic, trap, 1n, undefined])
      expect(wrapped(event, stubContext(), () => {})).toBe('cloud')
    expect(wrapped({}, undefined as never, () => {})).toBe('cloud')
    world.onMirror = () => {
      throw new Error('a bug of the stub')
    }
    expect(wrapped({}, stubContext(), () => {})).toBe('cloud')
  })

  it('sends a larger event as metadata, without reading it to its end', async () => {
    const world = new World()
    const wrapped = await world.wrap(() => 'cloud', { mode: 'mirror', mirrorMaxBytes: 100 })
    let read = 0
    const element = {
      get value() {
        read++
        return 'x'
      },
    }
    wrapped({ list: Array.from({ length: 1_000 }, () => element) }, stubContext(), () => {})
    wrapped('漢'.repeat(40), stubContext(), () => {})
    wrapped('x'.repeat(98), stubContext(), () => {})
    expect(world.mirrored.map(({ mirrored }) => mirrored)).toEqual(['metadata', 'metadata', 'event'])
    expect(world.mirrored[0]!.event).toBe('null')
    expect(read).toBe(0)
  })
})
