import { describe, expect, it } from 'vitest'
import { inline } from '../../src/executors/inline.js'
import type { BuildWarning, FunctionBuild, FunctionSource } from '../../src/index.js'
import { settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** A source whose builds and changes a test decides about. */
class ManualSource implements FunctionSource {
  version = 1
  loads = 0
  watchers = 0
  closed = false
  failure: unknown
  warnings: readonly BuildWarning[] | undefined
  changed: () => void = () => {}

  async load(): Promise<FunctionBuild> {
    this.loads++
    if (this.failure !== undefined) throw this.failure
    const { version, warnings } = this
    return { kind: 'module', load: async () => () => version, ...(warnings && { warnings }) }
  }

  watch(listener: () => void): Disposable {
    this.watchers++
    this.changed = listener
    return {
      [Symbol.dispose]: () => {
        this.watchers--
      },
    }
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

async function serving(tether: Tether, source: FunctionSource) {
  const session = tether.session().serve({ executor: inline(), functions: { api: source } })
  const reloads: unknown[] = []
  session.on('reload', ({ functionId, error }) => reloads.push(error?.message ?? functionId))
  await session.open()
  const stub = tether.stub()
  return { session, reloads, call: () => stub({}, stubContext()) }
}

describe('a served source', () => {
  it('is loaded at the first invocation, again at each change, and closed with the session', async () => {
    await using tether = new Tether()
    const source = new ManualSource()
    const { session, reloads, call } = await serving(tether, source)
    expect(source.loads).toBe(0)
    expect([await call(), await call()]).toEqual([1, 1])
    expect([source.loads, source.watchers]).toEqual([1, 1])
    source.version = 2
    source.changed()
    // Whoever comes from now on waits for the new code.
    expect(await call()).toBe(2)
    expect(reloads).toEqual(['api'])
    source.version = 3
    for (let i = 0; i < 5; i++) source.changed()
    expect(await call()).toBe(3)
    expect(source.loads).toBeLessThanOrEqual(4)
    await session.close()
    expect([source.watchers, source.closed]).toEqual([0, true])
  })

  it('is watched even when it is reloaded before its first invocation', async () => {
    await using tether = new Tether()
    const source = new ManualSource()
    const { session, call } = await serving(tether, source)
    await session.reload('api')
    expect(source.watchers).toBe(1)
    source.version = 2
    source.changed()
    expect(await call()).toBe(2)
    await expect(session.reload('other')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  it('fails invocations with its own error until it builds again', async () => {
    await using tether = new Tether()
    const source = new ManualSource()
    source.failure = new Error('a bracket is missing')
    const { reloads, call } = await serving(tether, source)
    const failed = {
      name: 'LambdaTether.BUILD_FAILED',
      message: expect.stringContaining('a bracket is missing'),
    }
    await expect(call()).rejects.toMatchObject(failed)
    source.changed()
    await settle()
    expect(reloads).toEqual([expect.stringContaining('a bracket is missing')])
    await expect(call()).rejects.toMatchObject(failed)
    source.failure = undefined
    expect(await call()).toBe(1)
  })

  it('names the missing kind of a build', async () => {
    await using tether = new Tether()
    const { call } = await serving(tether, { load: async () => ({ path: '/srv/api.mjs' }) as never })
    await expect(call()).rejects.toMatchObject({
      name: 'LambdaTether.BUILD_FAILED',
      message: expect.stringContaining(
        "load() must return a build whose kind is 'file', 'command' or 'module', not undefined.",
      ),
    })
  })

  it("keeps answering with its last good build, with onBuildError: 'keep'", async () => {
    await using tether = new Tether()
    const source = new ManualSource()
    const session = tether.session()
    session.serve({ executor: inline(), functions: { api: source }, onBuildError: 'keep' })
    const errors: unknown[] = []
    session.on('reload', ({ error }) => errors.push(error?.code))
    await session.open()
    const stub = tether.stub()
    const call = () => stub({}, stubContext())
    source.failure = new Error('a bracket is missing')
    await expect(call()).rejects.toMatchObject({ name: 'LambdaTether.BUILD_FAILED' })
    source.failure = undefined
    expect(await call()).toBe(1)
    const { loads } = source
    source.version = 2
    source.failure = new Error('a bracket is missing')
    source.changed()
    // Also who comes while it is being built.
    expect(await Promise.all([call(), call()])).toEqual([1, 1])
    await settle()
    expect(await call()).toBe(1)
    expect([errors, source.loads]).toEqual([['BUILD_FAILED'], loads + 1])
    source.failure = undefined
    source.changed()
    expect(await call()).toBe(2)
    expect(errors).toEqual(['BUILD_FAILED', undefined])
  })

  it('holds its newest good build, and a build in use until its invocation is answered', async () => {
    await using tether = new Tether()
    const holders = new Map<number, number>()
    let finish = (): void => {}
    const source = new ManualSource()
    source.load = async () => {
      const { version } = source
      const add = (count: number) => holders.set(version, (holders.get(version) ?? 0) + count)
      return {
        kind: 'module',
        load: async () => () =>
          new Promise((resolve) => {
            finish = () => resolve(version)
          }),
        hold: () => {
          add(1)
          return { [Symbol.dispose]: () => void add(-1) }
        },
      }
    }
    const { call } = await serving(tether, source)
    const running = call()
    await settle()
    expect([...holders]).toEqual([[1, 2]])
    source.version = 2
    source.changed()
    await settle()
    expect([...holders]).toEqual([
      [1, 1],
      [2, 1],
    ])
    finish()
    expect(await running).toBe(1)
    await settle()
    expect(holders.get(1)).toBe(0)
  })

  it('gives invocations new code before the executor has preloaded it, and reports when it has', async () => {
    await using tether = new Tether()
    const source = new ManualSource()
    const executor = inline()
    let loaded = (): void => {}
    const builds: unknown[] = []
    executor.reload = (_, build) => {
      builds.push(build)
      return new Promise((resolve) => {
        loaded = resolve
      })
    }
    const session = tether.session().serve({ executor, functions: { api: source } })
    const reloads: string[] = []
    session.on('reload', ({ functionId }) => reloads.push(functionId))
    await session.open()
    const stub = tether.stub()
    expect(await stub({}, stubContext())).toBe(1)
    source.version = 2
    const reloading = session.reload('api').then(() => reloads.push('awaited'))
    expect(await stub({}, stubContext())).toBe(2)
    expect([reloads, builds]).toEqual([[], [expect.objectContaining({ kind: 'module' })]])
    loaded()
    await reloading
    expect(reloads).toEqual(['api', 'awaited'])
  })

  it('reports the warnings of every build in the reload event; a build without warnings at an invocation emits none', async () => {
    await using tether = new Tether()
    const source = new ManualSource()
    const { session, call } = await serving(tether, source)
    const told: unknown[] = []
    session.on('reload', ({ error, warnings }) => told.push(error?.code ?? warnings))
    source.warnings = [{ text: 'odd' }]
    await call()
    expect(told).toEqual([[{ text: 'odd' }]])
    source.warnings = []
    await session.reload('api')
    source.failure = new Error('a bracket is missing')
    await session.reload('api').catch(() => {})
    source.failure = undefined
    await call()
    expect(told).toEqual([[{ text: 'odd' }], [], 'BUILD_FAILED'])
  })

  it('is built at open() when `prewarm` names it, and a failed build is reported', async () => {
    await using tether = new Tether()
    const [api, broken, other] = [new ManualSource(), new ManualSource(), new ManualSource()]
    broken.failure = new Error('a bracket is missing')
    const executor = inline()
    const prewarmed: string[] = []
    executor.prewarm = (functionId, build) => void prewarmed.push(`${functionId} ${build.kind}`)
    const session = tether.session()
    session.serve({ executor, functions: { api, broken, other }, prewarm: ['api', 'broken'] })
    const failed: unknown[] = []
    session.on('reload', ({ functionId, error }) => failed.push([functionId, error?.code]))
    await settle()
    expect(api.loads).toBe(0)
    await session.open()
    await settle()
    expect([api.loads, other.loads, prewarmed]).toEqual([1, 0, ['api module']])
    expect(failed).toEqual([['broken', 'BUILD_FAILED']])
    expect(await tether.stub()({}, stubContext())).toBe(1)
    expect(api.loads).toBe(1)
    const late = new ManualSource()
    const opened = await tether.session({ name: 'late' }).open()
    opened.serve({ executor: inline(), functions: { late }, prewarm: true })
    await settle()
    expect(late.loads).toBe(1)
  })

  it('leaves no connection open when it cannot be closed', async () => {
    await using tether = new Tether()
    const source = new ManualSource()
    const { session, call } = await serving(tether, source)
    await call()
    source.close = () => {
      throw new Error('cannot close')
    }
    await session.close()
    expect(tether.transport.connections('session')).toBe(0)
  })
})

describe('serve', () => {
  it('names a wrong option', () => {
    const tether = new Tether()
    const serve = (options: unknown) => () => tether.session().serve(options as never)
    expect(serve(undefined)).toThrow("serve() takes an object with 'functions', not undefined.")
    expect(serve({ functions: [] })).toThrow(/'functions' must be an object/)
    expect(serve({ functions: {}, handlers: {} })).toThrow(/'handlers' is no option of serve\(\); those are/)
    expect(serve({ functions: {}, onBuildError: 'ignore' })).toThrow(
      /'onBuildError' must be one of fail, keep/,
    )
    expect(serve({ functions: {}, prewarm: 'api' })).toThrow(/'prewarm' must be true or a list/)
    expect(serve({ functions: () => undefined, prewarm: true })).toThrow(/'prewarm' must name/)
    expect(serve({ functions: { api: () => 1, jobs: () => 2 }, prewarm: ['jobs', 'apo'] })).toThrow(
      "'prewarm[1]' names 'apo' (did you mean 'api'?), which is not served; served are 'api', 'jobs'.",
    )
    expect(serve({ functions: {}, executor: 'threads' })).toThrow(/'executor' must be an executor/)
    expect(serve({ functions: { api: new ManualSource() } })).toThrow(/'api' needs an 'executor'/)
  })
})
