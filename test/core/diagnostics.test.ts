import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { describe, expect, it } from 'vitest'
import { traceOf } from '../../src/core/base/diagnostics.js'
import { inline } from '../../src/executors/inline.js'
import { type FunctionSource, type TraceContext, type Transport, tracingChannels } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { listenToTraces, type Published } from '../support/traces.js'

const FIVE = ['start', 'end', 'asyncStart', 'asyncEnd']
const eventsOf = (published: readonly Published[], channel: string) =>
  published.filter((one) => one.channel === channel).map(({ event }) => event)
const contextOf = (published: readonly Published[], channel: string): TraceContext =>
  published.find((one) => one.channel === channel)!.context

function source(handler: (event: unknown) => unknown): FunctionSource {
  return { load: async () => ({ kind: 'module', load: async () => handler }) }
}

describe('the tracing channels', () => {
  it('create no context without listeners', async () => {
    const context = () => {
      throw new Error('made for nobody')
    }
    expect(traceOf('call', context)).toBeUndefined()
    using _ = listenToTraces()
    expect(() => traceOf('call', context)).toThrow('made for nobody')
  })

  it('report every stage of an invocation on both sides', async () => {
    using traces = listenToTraces()
    await using tether = new Tether()
    const session = tether.session().serve({ executor: inline(), functions: { api: source(() => 'ok') } })
    await session.open()
    const stub = tether.stub({
      env: { _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793' },
    })
    await stub({}, stubContext())
    const { published } = traces
    for (const channel of ['call', 'invocation', 'build', 'execute']) {
      expect(eventsOf(published, channel), channel).toEqual(FIVE)
      expect(new Set(published.filter((one) => one.channel === channel).map((one) => one.context)).size).toBe(
        1,
      )
    }
    const call = contextOf(published, 'call')
    expect(call).toEqual({
      invocationId: expect.stringMatching(/^[\w-]{22}$/),
      functionId: 'api',
      requestId: '11111111-2222-4333-8444-555555555555',
      traceId: 'Root=1-5759e988-bd862e3fe1be46a994272793',
      session: 'default',
      environmentId: expect.stringMatching(/^[\w-]{38}$/),
    })
    const invocation = contextOf(published, 'invocation')
    expect(invocation).toEqual({ ...call, rerun: false, arrivedAt: expect.any(Number) })
    expect(contextOf(published, 'build')).toEqual({ ...call, parent: invocation })
    expect(contextOf(published, 'build').parent).toBe(invocation)
    expect(contextOf(published, 'execute')).toEqual({ ...call, executor: 'inline', parent: invocation })
    expect(contextOf(published, 'execute').parent).toBe(invocation)
    const order = published
      .filter(({ event }) => event === 'start' || event === 'asyncEnd')
      .map(({ channel, event }) => `${channel} ${event}`)
      .filter((one) => !one.startsWith('connect'))
    expect(order).toEqual([
      'call start',
      'invocation start',
      'build start',
      'build asyncEnd',
      'execute start',
      'execute asyncEnd',
      'invocation asyncEnd',
      'call asyncEnd',
    ])
    await stub({}, stubContext())
    expect(eventsOf(published, 'build')).toEqual(FIVE)
    expect(eventsOf(published, 'execute')).toEqual([...FIVE, ...FIVE])
  })

  it('report the connecting side and failed attempts', async () => {
    using traces = listenToTraces()
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    tether.transport.admit = () => {
      throw new Error('mqtt://user:SECRET@broker refused')
    }
    const session = tether.session()
    await expect(session.open()).rejects.toThrow('failed to connect')
    expect(eventsOf(traces.published, 'connect')).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(contextOf(traces.published, 'connect')).toEqual({
      app: 'shop',
      stage: 'dev',
      session: 'default',
      transport: 'memory',
      error: { errorType: 'Error' },
    })
    tether.transport.admit = () => {}
    traces.published.splice(0)
    await session.open()
    expect(contextOf(traces.published, 'connect')).not.toHaveProperty('error')
    traces.published.splice(0)
    const call = tether
      .stub()('x', stubContext())
      .catch(() => {})
    await clock.advance(1_000)
    await call
    const { environmentId } = contextOf(traces.published, 'call')
    expect(environmentId).toBeDefined()
    expect(contextOf(traces.published, 'connect')).toMatchObject({ environmentId, transport: 'memory' })
  })

  it('report failures of local code, builds, deadlines and refusals by their types', async () => {
    using traces = listenToTraces()
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session().serve({
      executor: inline(),
      functions: {
        throws: () => {
          throw new RangeError('no')
        },
        unbuilt: { load: () => Promise.reject(new Error('syntax')) },
        slow: () => new Promise(() => {}),
      },
    })
    await session.open()
    const failing = async (functionId: string) => {
      traces.published.splice(0)
      const call = tether.stub({ functionId })('x', stubContext({ remainingMs: 3_000 }))
      const over = expect(call).rejects.toThrow()
      await clock.advance(4_000)
      await over
      const errors = traces.published.filter(({ event }) => event === 'error')
      for (const { channel } of errors) expect(eventsOf(traces.published, channel)).toHaveLength(5)
      return Object.fromEntries(errors.map(({ channel, context }) => [channel, context.error?.errorType]))
    }
    expect(await failing('throws')).toEqual({
      execute: 'RangeError',
      invocation: 'RangeError',
      call: 'RangeError',
    })
    expect(await failing('unbuilt')).toEqual({
      build: 'LambdaTether.BUILD_FAILED',
      invocation: 'LambdaTether.BUILD_FAILED',
      call: 'LambdaTether.BUILD_FAILED',
    })
    expect(await failing('slow')).toMatchObject({
      invocation: 'LambdaTether.DEADLINE',
      call: 'LambdaTether.DEADLINE',
    })
    expect(await failing('elsewhere')).toEqual({
      invocation: 'LambdaTether.DECLINED',
      call: 'LambdaTether.DECLINED',
    })
  })

  it('report an invocation that a listener answers, and a build at a reload outside any invocation', async () => {
    using traces = listenToTraces()
    await using tether = new Tether()
    const session = tether.session().serve({ executor: inline(), functions: { api: source(() => 'ok') } })
    session.on('invoke', (invocation) => (invocation.event === 'mine' ? invocation.respond(1) : undefined))
    await session.open()
    const stub = tether.stub()
    await stub('mine', stubContext())
    expect(eventsOf(traces.published, 'invocation')).toEqual(FIVE)
    expect(eventsOf(traces.published, 'execute')).toEqual([])
    await session.reload('api')
    expect(eventsOf(traces.published, 'build')).toEqual(FIVE)
    expect(contextOf(traces.published, 'build')).toEqual({ functionId: 'api' })
  })

  it('contain no payload, variable, key or message of local code', async () => {
    using traces = listenToTraces()
    await using tether = new Tether()
    const session = tether.session().serve({
      functions: {
        api: (event: { n: number }) => {
          if (event.n === 2) throw new Error('SECRET in a message')
          return 'SECRET response'
        },
      },
    })
    await session.open()
    const stub = tether.stub({ env: { TOKEN: 'SECRET variable' } })
    await stub(
      { n: 1, text: 'SECRET event' },
      stubContext({ clientContext: { a: 'SECRET context' } as never }),
    )
    await stub({ n: 2 }, stubContext()).catch(() => {})
    expect(traces.published.length).toBeGreaterThan(20)
    const texts = traces.published.map(({ context }) => JSON.stringify(context)).join()
    expect(texts).not.toContain('SECRET')
    expect(texts).not.toContain(String(tether.key))
  })

  it('bind stores for all work of a stage, including local code', async () => {
    await using tether = new Tether()
    const store = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const channels = (['call', 'invocation', 'execute'] as const).map((stage) => {
      const channel = tracingChannel<string, TraceContext>(tracingChannels[stage])
      channel.start.bindStore(store, ({ functionId }) => {
        seen.push(`${stage} in ${stage === 'execute' ? store.getStore() : 'any'}`)
        return `${stage} of ${functionId}`
      })
      return channel
    })
    const session = tether.session().serve({ functions: { api: () => store.getStore() } })
    await session.open()
    expect(await tether.stub()('x', stubContext())).toBe('execute of api')
    expect(seen).toEqual(['call in any', 'invocation in any', 'execute in invocation of api'])
    for (const channel of channels) channel.start.unbindStore(store)
  })

  it('do not bind frames that arrive on the connection later', async () => {
    await using tether = new Tether()
    const store = new AsyncLocalStorage<string>()
    const channel = tracingChannel<string, TraceContext>(tracingChannels.connect)
    channel.start.bindStore(store, () => 'connecting')
    const { name, limits } = tether.transport
    // As a socket does: what it receives runs in the context that made it.
    const transport: Transport = {
      name,
      limits,
      connect: (self, { onFrame }, options) =>
        tether.transport.connect(self, { onFrame: AsyncResource.bind(onFrame) }, options),
    }
    const session = tether.session({ transport })
    session.on('invoke', (invocation) => invocation.respond(store.getStore() ?? 'nothing'))
    await session.open()
    expect(await tether.stub()('x', stubContext())).toBe('nothing')
    channel.start.unbindStore(store)
    await settle()
  })
})
