import { expect, test } from 'vitest'
import { WorkerPool } from '../../src/executors/pool/worker-pool.js'
import type { Outcome } from '../../src/index.js'
import { ManualClock } from '../support/manual-clock.js'
import { errorOf, resultOf, taskFor } from './handler-project.js'
import { answer, pool, ScriptedWorker, turn } from './scripted-worker.js'

test('an environment keeps its worker, and gives it one invocation at a time, in order', async () => {
  const { subject, workers, task } = pool()
  const first = task('a')
  const second = task('a')
  const ends = [subject.execute(first), subject.execute(second)]
  await turn()
  expect(workers.map((worker) => worker.ran)).toEqual([[first]])
  workers[0]!.end(answer(1))
  expect(resultOf(await ends[0]!)).toBe(1)
  expect(workers[0]!.ran).toEqual([first, second])
  workers[0]!.end(answer(2))
  expect(resultOf(await ends[1]!)).toBe(2)
  expect(workers).toHaveLength(1)
})

test('environments, and functions in the same environment id, have workers of their own', async () => {
  const { subject, workers, task } = pool()
  void subject.execute(task('a'))
  void subject.execute(task('b'))
  void subject.execute(task('a', { functionId: 'other' }))
  expect(workers).toHaveLength(3)
})

test('time spent in the queue counts: an invocation that never started times out as Lambda says it', async () => {
  const { subject, workers, task, clock } = pool()
  const long = subject.execute(task('a', { deadline: clock.now() + 10_000 }))
  const queued = subject.execute(task('a'))
  await clock.advance(3000)
  expect(errorOf(await queued)).toEqual({
    errorType: 'Sandbox.Timedout',
    errorMessage: 'RequestId: request-1 Error: Task timed out after 3.00 seconds',
    trace: [],
  })
  workers[0]!.end(answer('long'))
  expect(resultOf(await long)).toBe('long')
  expect(workers[0]!.ran).toHaveLength(1)
})

test('at its deadline a worker is stopped, and the next invocation gets a new one', async () => {
  const { subject, workers, task, clock } = pool()
  const stuck = subject.execute(task('a', { deadline: clock.now() + 1234 }))
  const next = subject.execute(task('a'))
  await clock.advance(1233)
  expect(workers[0]!.stopped).toBe(false)
  await clock.advance(1)
  expect(errorOf(await stuck).errorMessage).toContain('timed out after 1.23 seconds')
  expect(workers[0]!.stopped).toBe(true)
  workers[1]!.end(answer('next'))
  expect(resultOf(await next)).toBe('next')
})

test('an invocation past its deadline does not start', async () => {
  const { subject, workers, task, clock } = pool()
  expect(errorOf(await subject.execute(task('a', { deadline: clock.now() }))).errorType).toBe(
    'Sandbox.Timedout',
  )
  expect(workers).toHaveLength(0)
})

test('an abort stops the worker of a running invocation, but only dequeues a queued one', async () => {
  const { subject, workers, task, clock } = pool()
  const abort = { running: new AbortController(), queued: new AbortController() }
  const running = subject.execute(task('a'), { signal: abort.running.signal })
  const queued = subject.execute(task('a'), { signal: abort.queued.signal })
  const last = subject.execute(task('a'))
  abort.queued.abort()
  await expect(queued).rejects.toMatchObject({ code: 'ABORTED' })
  expect(workers[0]!.stopped).toBe(false)
  abort.running.abort()
  await expect(running).rejects.toMatchObject({ code: 'ABORTED' })
  expect(workers[0]!.stopped).toBe(true)
  workers[1]!.end(answer('last'))
  expect(resultOf(await last)).toBe('last')
  expect(clock.pending).toBe(1) // the idle worker's expiry
  await expect(subject.execute(task('a'), { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ABORTED',
  })
})

test('a worker that ended before the invocation began is replaced, and the invocation runs', async () => {
  const { subject, workers, task } = pool()
  const end = subject.execute(task('a'))
  workers[0]!.usable = false
  workers[0]!.end(undefined)
  await turn()
  expect(workers).toHaveLength(2)
  workers[1]!.end(answer('ran'))
  expect(resultOf(await end)).toBe('ran')
})

test('a reload replaces idle workers at once, busy ones after their invocation, and no workers of other functions', async () => {
  const { subject, workers, task } = pool()
  const idle = subject.execute(task('idle'))
  const other = subject.execute(task('idle', { functionId: 'other' }))
  for (const worker of workers) worker.end(answer('old'))
  await Promise.all([idle, other])
  const busy = subject.execute(task('busy'))
  subject.reload('api')
  expect(workers.map((worker) => worker.stopped)).toEqual([true, false, false])
  workers[2]!.end(answer('finished on old code'))
  expect(resultOf(await busy)).toBe('finished on old code')
  await turn()
  expect(workers[2]!.stopped).toBe(true)
  void subject.execute(task('busy'))
  expect(workers).toHaveLength(4)
})

test('a task with another build gets another worker', async () => {
  const { subject, workers, task } = pool()
  const first = subject.execute(task('a'))
  workers[0]!.end(answer(1))
  await first
  void subject.execute(task('a', { build: { kind: 'file', path: '/code/v2.mjs', exportName: 'handler' } }))
  expect(workers[0]!.stopped).toBe(true)
  expect(workers[1]!.first.build).toMatchObject({ path: '/code/v2.mjs' })
})

test('an idle worker ends after idleMs, counted from its last invocation', async () => {
  const { subject, workers, task, clock } = pool({ idleMs: 1000 })
  const first = subject.execute(task('a'))
  workers[0]!.end(answer(1))
  await first
  await clock.advance(999)
  const second = subject.execute(task('a'))
  await clock.advance(500)
  workers[0]!.end(answer(2))
  await second
  await clock.advance(999)
  expect(workers[0]!.stopped).toBe(false)
  await clock.advance(1)
  expect(workers[0]!.stopped).toBe(true)
  expect(clock.pending).toBe(0)
})

test('with maxWorkers the longest-idle worker gives way, and the longest-waiting invocation goes first', async () => {
  const { subject, workers, task } = pool({ maxWorkers: 2 })
  const settle = async (index: number, end: Promise<Outcome>) => {
    workers[index]!.end(answer(index))
    expect(resultOf(await end)).toBe(index)
  }
  const a = subject.execute(task('a'))
  const b = subject.execute(task('b'))
  await settle(0, a)
  await settle(1, b)
  const again = subject.execute(task('a'))
  await settle(0, again)

  const c = subject.execute(task('c'))
  expect(workers.map((worker) => worker.stopped)).toEqual([false, true, false])
  const busy = subject.execute(task('a'))
  const queuedBehindBusy = subject.execute(task('a'))
  const d = subject.execute(task('d'))
  await turn()
  expect(workers).toHaveLength(3)
  await settle(0, busy)
  await turn()
  expect(workers[3]!.first.environmentId).toBe('d')
  await settle(3, d)
  await turn()
  expect(workers[4]!.first.environmentId).toBe('a')
  await settle(4, queuedBehindBusy)
  await settle(2, c)
})

test('close lets everything accepted finish, refuses the rest, and leaves no worker and no timer', async () => {
  const { subject, workers, task, clock } = pool()
  const running = subject.execute(task('a'))
  const queued = subject.execute(task('a'))
  const closing = subject.close()
  expect(subject.close()).toBe(closing)
  await expect(subject.execute(task('b'))).rejects.toMatchObject({ code: 'CLOSED' })
  workers[0]!.end(answer(1))
  await running
  expect(workers[0]!.stopped).toBe(false)
  workers[0]!.end(answer(2))
  expect(resultOf(await queued)).toBe(2)
  await closing
  expect(workers[0]!.stopped).toBe(true)
  expect(clock.pending).toBe(0)
})

test('a worker that cannot start fails its invocation, not the pool', async () => {
  const clock = new ManualClock()
  let failing = true
  const worker = new ScriptedWorker(taskFor('/code/api.mjs'))
  const start = () => {
    if (failing) throw new Error('no more threads')
    return worker
  }
  const subject = new WorkerPool({ start, maxWorkers: 1, idleMs: 1, clock })
  const task = taskFor('/code/api.mjs', {}, { deadline: clock.now() + 1000 })
  await expect(subject.execute(task)).rejects.toThrow('no more threads')
  failing = false
  const end = subject.execute(task)
  worker.end(answer('ok'))
  expect(resultOf(await end)).toBe('ok')
})
