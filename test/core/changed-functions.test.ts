import { describe, expect, it } from 'vitest'
import { inline } from '../../src/executors/inline.js'
import type { Executor, FunctionBuild, FunctionSource, FunctionTarget, Task } from '../../src/index.js'
import { settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** A source that answers with its name, until it is told to. */
class NamedSource implements FunctionSource {
  readonly name: string
  closed = 0
  watched = 0
  waitsFor: Promise<unknown> = Promise.resolve()

  constructor(name: string) {
    this.name = name
  }

  async load(): Promise<FunctionBuild> {
    const { name, waitsFor } = this
    return {
      kind: 'module',
      load: async () => async () => {
        await waitsFor
        return this.closed > 0 ? 'closed while it ran' : name
      },
    }
  }

  watch(): Disposable {
    this.watched++
    return { [Symbol.dispose]: () => void this.watched-- }
  }

  async close(): Promise<void> {
    this.closed++
  }
}

function invoke(tether: Tether, functionId: string): Promise<unknown> {
  return tether.stub({ functionId })({}, stubContext())
}

/** Runs inline, and keeps what it was asked to do. */
function recorded(): Executor & { readonly tasks: Task[]; readonly reloads: string[]; closed: number } {
  const inner = inline()
  const [tasks, reloads]: [Task[], string[]] = [[], []]
  const executor = {
    ...{ name: 'recorded', tasks, reloads, closed: 0 },
    execute: (task: Task) => {
      tasks.push(task)
      return inner.execute(task)
    },
    reload: async (functionId: string) => void reloads.push(functionId),
    close: async () => {
      executor.closed++
    },
    [Symbol.asyncDispose]: async () => {},
  }
  return executor
}

describe('session.functions', () => {
  it('serves a function that is set while the session is open, until it is deleted', async () => {
    await using tether = new Tether()
    const session = tether.session().serve({ functions: {} })
    await session.open()
    await expect(invoke(tether, 'api')).rejects.toThrow(/does not serve function 'api'; it serves none/)
    session.functions.set('api', () => 1)
    expect(await invoke(tether, 'api')).toBe(1)
    session.functions.set('api', () => 2)
    expect(await invoke(tether, 'api')).toBe(2)
    expect([session.functions.delete('api'), session.functions.delete('api')]).toEqual([true, false])
    await expect(invoke(tether, 'api')).rejects.toMatchObject({ code: 'DECLINED' })
  })

  it('lets a running invocation finish on its old code, then closes the old source', async () => {
    await using tether = new Tether()
    const [one, two] = [new NamedSource('one'), new NamedSource('two')]
    let finish: (value?: unknown) => void = () => {}
    one.waitsFor = new Promise((resolve) => {
      finish = resolve
    })
    const session = tether.session().serve({ executor: inline(), functions: { api: one } })
    const reloads: unknown[] = []
    session.on('reload', ({ functionId, error }) => reloads.push(error ?? functionId))
    await session.open()
    const running = invoke(tether, 'api')
    await settle()
    session.functions.set('api', two)
    expect(await invoke(tether, 'api')).toBe('two')
    expect([reloads, one.closed, one.watched, two.watched]).toEqual([['api'], 0, 0, 1])
    finish()
    expect(await running).toBe('one')
    await settle()
    expect([one.closed, two.closed]).toEqual([1, 0])
    session.functions.delete('api')
    await settle()
    expect([one.closed, two.closed]).toEqual([1, 1])
    await session.close()
    expect([one.closed, two.closed]).toEqual([1, 1])
  })

  it('does not build unused functions, and keeps a source that another function uses', async () => {
    await using tether = new Tether()
    const shared = new NamedSource('shared')
    const session = tether.session().serve({ executor: inline(), functions: { api: shared, other: shared } })
    const reloads: unknown[] = []
    session.on('reload', (event) => reloads.push(event))
    await session.open()
    session.functions.set('api', () => 1)
    session.functions.delete('api')
    await settle()
    expect([shared.closed, reloads]).toEqual([0, []])
    expect(await invoke(tether, 'other')).toBe('shared')
    session.functions.delete('other')
    await session.close()
    expect(shared.closed).toBe(1)
  })

  it('rejects an invalid target, and any target before serve() or after close(), and changes nothing', async () => {
    await using tether = new Tether()
    const session = tether.session()
    expect(() => session.functions.set('api', () => 1)).toThrow(/Nothing is served; call serve\(\) first/)
    session.serve({ functions: { api: () => 1 } })
    await session.open()
    const set = (target: unknown) => () => session.functions.set('api', target as FunctionTarget)
    expect(set(5)).toThrow(
      "'functions.api' must be 'path#export', a source, a handler or { target, env, executor }, not 5.",
    )
    expect(set({ target: new NamedSource('x') })).toThrow(/'api' needs an 'executor'/)
    expect(set({ target: () => 1, exec: 1 })).toThrow(/'functions\.api\.exec' is no option/)
    expect(() => session.functions.set('', () => 1)).toThrow(/'functionId' must be a text/)
    expect(await invoke(tether, 'api')).toBe(1)
    await session.close()
    expect(set(() => 1)).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })
})

describe('a look-up', () => {
  it('is called again while it returns undefined, and after refresh()', async () => {
    await using tether = new Tether()
    const found = new Map<string, FunctionTarget>()
    const asked: string[] = []
    const session = tether.session().serve({
      functions: (functionId) => {
        asked.push(functionId)
        return found.get(functionId)
      },
    })
    await session.open()
    await expect(invoke(tether, 'api')).rejects.toMatchObject({ code: 'DECLINED' })
    found.set('api', () => 1)
    expect([await invoke(tether, 'api'), await invoke(tether, 'api')]).toEqual([1, 1])
    expect(asked).toEqual(['api', 'api'])
    found.set('api', () => 2)
    expect(await invoke(tether, 'api')).toBe(1)
    session.functions.refresh()
    expect(await invoke(tether, 'api')).toBe(2)
    found.delete('api')
    session.functions.refresh()
    await expect(invoke(tether, 'api')).rejects.toMatchObject({ code: 'DECLINED' })
  })

  it('changes nothing when it returns the same, and does not override a function that was set', async () => {
    await using tether = new Tether()
    const source = new NamedSource('found')
    const session = tether.session().serve({
      executor: inline(),
      functions: (functionId) => (functionId === 'set' ? undefined : { target: source, env: { A: '1' } }),
    })
    const reloads: unknown[] = []
    session.on('reload', (event) => reloads.push(event))
    await session.open()
    session.functions.set('set', () => 'set')
    expect([await invoke(tether, 'found'), await invoke(tether, 'set')]).toEqual(['found', 'set'])
    session.functions.refresh()
    expect([await invoke(tether, 'found'), await invoke(tether, 'set')]).toEqual(['found', 'set'])
    expect([reloads, source.closed]).toEqual([[], 0])
  })
})

describe('a function that is not served', () => {
  it('is declined with the names of the served functions, nearest first, on both sides', async () => {
    await using tether = new Tether()
    const functions = { orders: () => 1, 'orders-worker': () => 2, api: () => 3 }
    const session = tether.session().serve({ functions })
    const declines: unknown[] = []
    session.on('decline', ({ functionId }, decline) => declines.push({ asked: functionId, ...decline }))
    await session.open()
    const message =
      "does not serve function 'ordesr' (did you mean 'orders'?); it serves 'orders', 'orders-worker', 'api'"
    await expect(invoke(tether, 'ordesr')).rejects.toThrow(message)
    await expect(invoke(tether, 'something-else')).rejects.toThrow(/'something-else'; it serves 'orders'/)
    const served = ['orders', 'orders-worker', 'api']
    const atMs = expect.any(Number)
    expect(declines).toEqual([
      { asked: 'ordesr', reason: `it ${message}`, served, nearest: 'orders', atMs },
      { asked: 'something-else', reason: expect.stringContaining("'something-else'"), served, atMs },
    ])
    expect(tether.discards).toEqual([])
  })

  it('is declined with at most ten names, and without control characters of a hostile name', async () => {
    await using tether = new Tether()
    const names = Array.from({ length: 500 }, (_, index) => `function-${index}`)
    await tether
      .session()
      .serve({ functions: Object.fromEntries(names.map((name) => [name, () => 1])) })
      .open()
    const wild = `\u001b[31m${'x'.repeat(2_000)}`
    const stub = tether.stub({ functionId: '*' })
    const declined = stub({}, { ...stubContext(), functionName: wild })
    await expect(declined).rejects.toThrow(
      /'\\x1b\[31mx+…'; it serves 'function-0', .*'function-9' and 490 more/,
    )
  })
})

describe('an executor and variables of one function', () => {
  it('run it, override the defaults of serve(), and close with the session', async () => {
    await using tether = new Tether()
    const [all, own] = [recorded(), recorded()]
    const session = tether.session().serve({
      executor: all,
      env: { STAGE: 'local', TABLE: 'all', LEFT: undefined },
      functions: {
        api: new NamedSource('api'),
        jobs: { target: new NamedSource('jobs'), env: { TABLE: 'jobs', LEFT: undefined }, executor: own },
        plain: () => 1,
      },
    })
    await session.open()
    const seen = await Promise.all(['api', 'jobs', 'plain'].map((functionId) => invoke(tether, functionId)))
    expect(seen).toEqual(['api', 'jobs', 1])
    expect(all.tasks.map(({ functionId, overrides }) => [functionId, overrides])).toEqual([
      ['api', { STAGE: 'local', TABLE: 'all' }],
    ])
    expect(own.tasks.map(({ overrides }) => overrides)).toEqual([{ STAGE: 'local', TABLE: 'jobs' }])
    session.functions.set('jobs', new NamedSource('on the other'))
    expect(await invoke(tether, 'jobs')).toBe('on the other')
    expect([own.reloads, all.reloads]).toEqual([['jobs'], ['jobs']])
    await session.close()
    expect([all.closed, own.closed]).toEqual([1, 1])
  })

  it('are rejected by name when they are wrong', () => {
    const tether = new Tether()
    const serve = (api: unknown, more = {}) => {
      return () => tether.session().serve({ functions: { api }, ...more } as never)
    }
    expect(serve({ target: 'x.js', executor: 5 })).toThrow(/'functions.api.executor' must be an executor/)
    expect(serve({ target: 'x.js', env: { A: 5 } })).toThrow("'functions.api.env.A' must be a text, not 5.")
    expect(serve({ target: undefined })).toThrow(/'functions.api.target' must be 'path#export', a source/)
    expect(serve({ target: () => 1, env: {} })).toThrow(/'functions.api.env' changes nothing for a handler/)
    expect(serve(null)).toThrow(/'functions.api' must be 'path#export'/)
    expect(serve(() => 1, { env: ['A'] })).toThrow(/'env' must be an object of variables/)
  })
})
