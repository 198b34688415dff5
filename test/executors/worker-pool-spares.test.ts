import { expect, test } from 'vitest'
import type { SpareWorker, WorkerOrigin } from '../../src/executors/pool/local-worker.js'
import { WorkerPool, type WorkerPoolOptions } from '../../src/executors/pool/worker-pool.js'
import type { Answer, FunctionBuild, Task } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { resultOf, taskFor } from './handler-project.js'

/** A worker that answers with its number, at once or when the test says so. */
class NumberedWorker implements SpareWorker {
  usable = true
  ready = true
  stopped = false
  readonly loaded: FunctionBuild[] = []
  readonly held: Array<() => void> = []
  onLoad: (() => void) | undefined
  readonly #loading: Promise<void>

  constructor(
    readonly number: number,
    readonly origin: WorkerOrigin,
    readonly answersAtOnce: () => boolean,
    loadsAtOnce: boolean,
  ) {
    this.#loading = new Promise((resolve) => {
      this.onLoad = resolve
    })
    if (loadsAtOnce) this.onLoad?.()
  }

  load(build: FunctionBuild): Promise<undefined> {
    this.loaded.push(build)
    return this.#loading.then(() => undefined)
  }

  run(): Promise<Answer | undefined> {
    const answer: Answer = { kind: 'value', body: Buffer.from(String(this.number)) }
    return new Promise((resolve) => {
      const end = () => resolve(this.stopped ? undefined : answer)
      if (this.answersAtOnce()) end()
      else this.held.push(end)
    })
  }

  async stop(): Promise<void> {
    this.stopped = true
    this.usable = false
    this.onLoad?.()
    for (const end of this.held.splice(0)) end()
  }
}

function pool(options: Partial<WorkerPoolOptions> = {}, { loadsAtOnce = true } = {}) {
  const clock = new ManualClock()
  const workers: NumberedWorker[] = []
  let answersAtOnce = true
  const add = (origin: WorkerOrigin) => {
    const worker = new NumberedWorker(workers.length, origin, () => answersAtOnce, loadsAtOnce)
    workers.push(worker)
    return worker
  }
  const subject = new WorkerPool({
    start: add,
    startSpare: add,
    spares: 4,
    maxWorkers: Infinity,
    idleMs: 60_000,
    clock,
    ...options,
  })
  const task = (environmentId: string, version: number, changes: Partial<Task> = {}) =>
    taskFor('', {}, { environmentId, build: build(version), deadline: clock.now() + 3_600_000, ...changes })
  return {
    subject,
    workers,
    clock,
    task,
    /** Which worker ran it. */
    ranIn: async (...args: Parameters<typeof task>) => resultOf(await subject.execute(task(...args))),
    holdAnswers: () => {
      answersAtOnce = false
    },
    alive: () => workers.filter(({ stopped }) => !stopped).map(({ number }) => number),
    /** Long enough for a spare to be started. */
    pause: () => clock.advance(100),
  }
}

const build = (version: number, fingerprints: readonly string[] = []): FunctionBuild => ({
  kind: 'file',
  path: `/builds/v${version}/api.mjs`,
  exportName: 'handler',
  dependencies: { path: '/builds/dependencies.mjs', fingerprints },
})

test('after an answer a spare starts; a reload has it load the new code, and the next invocation runs in it', async () => {
  const { subject, workers, ranIn, alive, pause } = pool()
  expect(await ranIn('a', 1)).toBe(0)
  expect(alive()).toEqual([0])
  await pause()
  expect(alive()).toEqual([0, 1])
  expect(workers[1]!.loaded).toEqual([])
  await subject.reload('api', build(2))
  expect(workers[1]!.loaded).toEqual([build(2)])
  expect(await ranIn('a', 2)).toBe(1)
  await settle()
  // The old worker is gone, and once the answer has left another spare stands by.
  expect(alive()).toEqual([1])
  await pause()
  expect(alive()).toEqual([1, 2])
  expect(subject.stats().api).toMatchObject({ workers: 2, spares: 1, coldStarts: 1, reloads: 1 })
  await subject.close()
  expect(alive()).toEqual([])
})

test('an invocation running during a reload finishes on the old code, and its environment continues in the spare', async () => {
  const { subject, workers, task, ranIn, holdAnswers, alive, pause } = pool()
  await ranIn('a', 1)
  await pause()
  holdAnswers()
  const running = subject.execute(task('a', 1))
  const queued = subject.execute(task('a', 1))
  await settle()
  await subject.reload('api', build(2))
  expect(workers[0]!.stopped).toBe(false)
  workers[0]!.held.shift()!()
  expect(resultOf(await running)).toBe(0)
  await settle()
  expect(workers[0]!.stopped).toBe(true)
  // It was queued with the old code, and gets the new.
  workers[1]!.held.shift()!()
  expect(resultOf(await queued)).toBe(1)
  await pause()
  expect(alive()).toEqual([1, 2])
  await subject.close()
})

test('after two saves during an invocation the second’s code is used, and the first’s worker ends', async () => {
  const { subject, workers, task, holdAnswers, alive, pause } = pool()
  await subject.execute(task('a', 1))
  await pause()
  holdAnswers()
  const running = subject.execute(task('a', 1))
  await settle()
  await subject.reload('api', build(2))
  await subject.reload('api', build(3))
  workers[0]!.held.shift()!()
  await running
  await pause()
  const [successor, spare, ...others] = alive()
  expect([workers[successor!]!.loaded, workers[spare!]!.loaded, others]).toEqual([[build(3)], [], []])
  await subject.close()
  expect(alive()).toEqual([])
})

test('a spare is not used if the new code loads other packages, or in another order', async () => {
  for (const [before, after, used] of [
    [['zod 1'], ['zod 1'], true],
    [['zod 1'], ['zod 1', 'uuid 1'], true],
    [['zod 1'], ['zod 2'], false],
    [['zod 1'], ['dotenv 1', 'zod 1'], false],
    [['zod 1'], [], false],
  ] as const) {
    const { subject, workers, task, pause } = pool()
    await subject.execute(task('a', 1, { build: build(1, before) }))
    await pause()
    const next = build(2, after)
    await subject.reload('api', next)
    const ran = resultOf(await subject.execute(task('a', 2, { build: next })))
    expect({ before, after, ran, stopped: workers[1]!.stopped }).toEqual({
      before,
      after,
      ran: used ? 1 : 2,
      stopped: !used,
    })
    // The one that was started instead had the new code before the invocation came.
    expect(workers[used ? 1 : 2]!.loaded).toEqual([next])
    await subject.close()
  }
})

test('a spare is not used if the environment’s variables have changed since it started', async () => {
  const { subject, workers, ranIn, pause } = pool()
  await ranIn('a', 1)
  await pause()
  await ranIn('a', 1, { env: { FUNCTION_OWN: 'changed' } })
  await subject.reload('api', build(2))
  expect(workers[1]!.stopped).toBe(true)
  expect(workers[2]!.origin.env).toEqual({ FUNCTION_OWN: 'changed' })
  expect(await ranIn('a', 2, { env: { FUNCTION_OWN: 'changed' } })).toBe(2)
  await subject.reload('api', build(3))
  // It loaded its code with variables that are not this invocation's.
  expect(await ranIn('a', 3, { env: { FUNCTION_OWN: 'again' } })).not.toBe(3)
  await subject.close()
})

test('saves in quick succession: the last one’s code runs, in a worker that had it before the invocation came', async () => {
  const { subject, workers, ranIn, alive, pause } = pool({}, { loadsAtOnce: false })
  await ranIn('a', 1)
  await pause()
  const reloads = [2, 3, 4].map((version) => subject.reload('api', build(version)))
  const last = workers.at(-1)!
  expect(last.loaded).toEqual([build(4)])
  for (const worker of workers) worker.onLoad?.()
  await Promise.all(reloads)
  expect(await ranIn('a', 4)).toBe(last.number)
  await pause()
  expect(alive()).toEqual([last.number, last.number + 1])
  await subject.close()
})

test('with maxWorkers spares give way first, and none starts without room', async () => {
  const { subject, workers, ranIn, alive, pause } = pool({ maxWorkers: 2 })
  await ranIn('a', 1)
  await pause()
  expect(alive()).toEqual([0, 1])
  expect(await ranIn('b', 1)).toBe(2)
  await pause()
  expect(alive()).toEqual([0, 2])
  // Then a reload starts the new worker in the place of the old.
  await subject.reload('api', build(2))
  await pause()
  expect(alive()).toEqual([3, 4])
  expect(workers[3]!.loaded).toEqual([build(2)])
  expect(await ranIn('b', 2)).toBe(3)
  await subject.close()
})

test('with maxWorkers 1 the new code is loaded in the one worker’s place', async () => {
  const { subject, ranIn, alive, pause } = pool({ maxWorkers: 1 })
  await ranIn('a', 1)
  await pause()
  expect(alive()).toEqual([0])
  await subject.reload('api', build(2))
  expect(await ranIn('a', 2)).toBe(1)
  await settle()
  expect(alive()).toEqual([1])
  expect(subject.stats().api).toMatchObject({ workers: 1, spares: 0, coldStarts: 1 })
  await subject.close()
})

test('a successor that waits for a busy worker gives way when another environment needs the room', async () => {
  const { subject, workers, task, ranIn, holdAnswers, pause } = pool({ maxWorkers: 2 })
  await ranIn('a', 1)
  await pause()
  holdAnswers()
  const running = subject.execute(task('a', 1))
  await settle()
  await subject.reload('api', build(2))
  const other = subject.execute(task('b', 2))
  await settle()
  expect(workers[1]!.stopped).toBe(true)
  workers.at(-1)!.held.shift()!()
  expect(resultOf(await other)).toBe(workers.length - 1)
  workers[0]!.held.shift()!()
  expect(resultOf(await running)).toBe(0)
  await subject.close()
})

test('only a limited number of functions have a spare: the last used', async () => {
  const { subject, ranIn, pause } = pool({ spares: 2 })
  for (const functionId of ['one', 'two', 'three']) {
    await ranIn('a', 1, { functionId })
    await pause()
  }
  const withSpare = () =>
    Object.entries(subject.stats()).flatMap(([name, { spares }]) => (spares > 0 ? [name] : []))
  expect(withSpare()).toEqual(['two', 'three'])
  await ranIn('a', 1, { functionId: 'two' })
  await ranIn('a', 1, { functionId: 'one' })
  await pause()
  expect(withSpare()).toEqual(['one', 'two'])
  await subject.close()
})

test('without spares a reload takes effect at the next invocation', async () => {
  for (const options of [{ spares: 0 }, { spares: 4, startSpare: undefined as never }]) {
    const { subject, ranIn, alive, pause } = pool(options)
    await ranIn('a', 1)
    await pause()
    expect(alive()).toEqual([0])
    await subject.reload('api', build(2))
    expect(alive()).toEqual([])
    expect(await ranIn('a', 2)).toBe(1)
    expect(subject.stats().api).toMatchObject({ coldStarts: 2, reloads: 1 })
    await subject.close()
  }
})

test('a spare ends with the last invocation’s worker, and no timer is left', async () => {
  const { ranIn, alive, clock, pause } = pool({ idleMs: 1000 })
  await ranIn('a', 1)
  await pause()
  await clock.advance(1000)
  expect(alive()).toEqual([])
  expect(clock.pending).toBe(0)
})

test('code that never finishes loading holds up a reload for ten seconds, and its invocation until its deadline', async () => {
  const { subject, workers, ranIn, clock, pause } = pool({}, { loadsAtOnce: false })
  await ranIn('a', 1)
  await pause()
  const reloading = subject.reload('api', build(2))
  await clock.advance(10_000)
  await reloading
  expect(workers[1]!.stopped).toBe(false)
  await subject.close()
  expect(workers[1]!.stopped).toBe(true)
})

test('a spare that died is replaced at the next reload', async () => {
  const { subject, workers, ranIn, pause } = pool()
  await ranIn('a', 1)
  await pause()
  workers[1]!.usable = false
  expect(subject.stats().api).toMatchObject({ spares: 0 })
  await subject.reload('api', build(2))
  expect(await ranIn('a', 2)).toBe(2)
  await subject.close()
})

test('a build is held while a worker has it, and let go when the worker has ended', async () => {
  const holders: Record<number, number> = {}
  const heldBuild = (version: number): FunctionBuild => ({
    ...build(version),
    hold: () => {
      holders[version] = (holders[version] ?? 0) + 1
      return { [Symbol.dispose]: () => void holders[version]!-- }
    },
  })
  const { subject, task, holdAnswers, workers, pause } = pool()
  await subject.execute(task('a', 1, { build: heldBuild(1) }))
  await pause()
  holdAnswers()
  const running = subject.execute(task('a', 1, { build: heldBuild(1) }))
  await settle()
  await subject.reload('api', heldBuild(2))
  expect(holders).toEqual({ 1: 1, 2: 1 })
  workers[0]!.held.shift()!()
  await running
  await settle()
  expect(holders).toEqual({ 1: 0, 2: 1 })
  await subject.close()
  expect(holders).toEqual({ 1: 0, 2: 0 })
})

test('a prewarmed worker takes its function’s first invocation, of any environment', async () => {
  const begun: WorkerOrigin[] = []
  const prewarmed: NumberedWorker[] = []
  const startPrewarmed = () => {
    const worker = new NumberedWorker(100 + prewarmed.length, undefined as never, () => true, true)
    prewarmed.push(worker)
    return Object.assign(worker, { begin: (origin: WorkerOrigin) => void begun.push(origin) })
  }
  const { subject, ranIn, alive, clock, pause } = pool({ startPrewarmed, maxWorkers: 3, spares: 0 })
  subject.prewarm('api')
  subject.prewarm('api')
  subject.prewarm('web')
  subject.prewarm('idle')
  expect(prewarmed).toHaveLength(3)
  expect(subject.stats()).toMatchObject({ api: { workers: 1, coldStarts: 0 } })
  expect(await ranIn('a', 1, { env: { TABLE: 'orders' } })).toBe(100)
  expect(begun).toEqual([
    expect.objectContaining({ functionId: 'api', env: { TABLE: 'orders' }, build: build(1) }),
  ])
  expect(await ranIn('a', 1)).toBe(100)
  // Another environment needs room: what nobody has used yet gives way.
  expect(await ranIn('b', 1)).toBe(0)
  expect(prewarmed.map(({ stopped }) => stopped)).toEqual([false, true, false])
  // One that died is replaced, and one that nobody came for ends.
  prewarmed[2]!.usable = false
  expect(await ranIn('a', 1, { functionId: 'idle' })).toBe(1)
  subject.prewarm('late')
  expect(prewarmed).toHaveLength(3)
  await clock.advance(60_000)
  subject.prewarm('late')
  await clock.advance(60_000)
  expect(prewarmed[3]!.stopped).toBe(true)
  subject.prewarm('last')
  await pause()
  await subject.close()
  expect([alive(), prewarmed.filter(({ stopped }) => !stopped), clock.pending]).toEqual([[], [], 0])
})
