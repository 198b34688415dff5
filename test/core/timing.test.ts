import { describe, expect, it } from 'vitest'
import { inline } from '../../src/executors/inline.js'
import type { Executor, FunctionSource, InvocationTiming, Outcome, Task } from '../../src/index.js'
import { ManualClock } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const VALUE: Outcome = { kind: 'value', body: Buffer.from('"ran"') }

/** Serves `api` by an executor that says when each phase ends, one millisecond after the other. */
async function timed(
  tether: Tether,
  clock: ManualClock,
  outcome: (task: Task) => Outcome | Promise<Outcome>,
) {
  const executor: Executor = {
    name: 'phased',
    async execute(task) {
      for (const phase of ['assigned', 'loaded'] as const) {
        await clock.advance(1)
        task.onPhase?.(phase)
      }
      await clock.advance(1)
      return outcome(task)
    },
    reload: async () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
  // A plain function would run inline.
  const source: FunctionSource = {
    load: async () => ({ kind: 'module', load: async () => () => 'never' }),
    watch: () => ({ [Symbol.dispose]: () => {} }),
    close: async () => {},
  }
  const session = tether.session().serve({ executor, functions: { api: source } })
  const told: InvocationTiming[] = []
  session.on('respond', (_, { timing }) => told.push(timing)).on('fail', (_, { timing }) => told.push(timing))
  await session.open()
  return told
}

describe('the timing of an invocation', () => {
  it('says when local code was built, got a worker, was loaded and had run', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const told = await timed(tether, clock, () => VALUE)
    await tether.stub()({}, stubContext())
    const [{ builtMs = Number.NaN }] = told as [InvocationTiming]
    expect(told).toEqual([{ builtMs, assignedMs: builtMs + 1, loadedMs: builtMs + 2, ranMs: builtMs + 3 }])
  })

  it('of a failed invocation ends at the failed step', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const told = await timed(tether, clock, () => {
      throw new RangeError('crashed')
    })
    await expect(tether.stub()({}, stubContext())).rejects.toThrow('crashed')
    expect(Object.keys(told[0]!)).toEqual(['builtMs', 'assignedMs', 'loadedMs'])
  })

  it('has no worker with the inline executor', async () => {
    await using tether = new Tether()
    const session = tether.session().serve({ executor: inline(), functions: { api: () => 'ran' } })
    const told: InvocationTiming[] = []
    session.on('respond', (_, { timing }) => told.push(timing))
    await session.open()
    await tether.stub()({}, stubContext())
    expect(Object.keys(told[0]!)).toEqual(['builtMs', 'ranMs'])
  })

  it('is empty for an invocation that a listener answers', async () => {
    await using tether = new Tether()
    const session = tether.session().on('invoke', (invocation) => invocation.respond('taken'))
    const told: InvocationTiming[] = []
    session.on('respond', (_, { timing }) => told.push(timing))
    await session.open()
    await tether.stub()({}, stubContext())
    expect(told).toEqual([{}])
  })

  it('is followed by `sent` when the broker gets the outcome', async () => {
    await using tether = new Tether()
    const session = tether.session().serve({ functions: { api: () => 'ran' } })
    const events: string[] = []
    session
      .on('respond', ({ id }) => events.push(`respond ${id}`))
      .on('sent', ({ id }, { atMs }) => events.push(`sent ${id}`, typeof atMs))
    await session.open()
    await tether.stub()({}, stubContext())
    const [first] = events
    expect(events).toEqual([first, first?.replace('respond', 'sent'), 'number'])
  })
})
