import { describe, expect, it } from 'vitest'
import type { FunctionBuild, FunctionSource } from '../../src/core/function-source.js'
import { inline } from '../../src/executors/inline.js'
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
  changed: () => void = () => {}

  async load(): Promise<FunctionBuild> {
    this.loads++
    if (this.failure !== undefined) throw this.failure
    const { version } = this
    return { kind: 'module', load: async () => () => version }
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

  it('is watched also when it is reloaded before its first invocation', async () => {
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
  it('says which option is wrong', () => {
    const tether = new Tether()
    const serve = (options: unknown) => () => tether.session().serve(options as never)
    expect(serve(undefined)).toThrow(/'functions' must be an object/)
    expect(serve({ functions: {}, handlers: {} })).toThrow(/no option 'handlers'/)
    expect(serve({ functions: {}, executor: 'threads' })).toThrow(/'executor' must be an executor/)
    expect(serve({ functions: { api: new ManualSource() } })).toThrow(/'api' needs an 'executor'/)
  })
})
