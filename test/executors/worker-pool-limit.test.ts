import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { defaultMaxWorkers } from '../../src/executors/pool/options.js'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Outcome } from '../../src/index.js'
import { ManualClock } from '../support/manual-clock.js'
import { projectOfFile, resultOf, taskFor } from './handler-project.js'
import { answer, pool, turn } from './scripted-worker.js'

const GB = 2 ** 30

test.each([
  [8, 16 * GB, 32],
  [10, 8 * GB, 16],
  [4, 32 * GB, 16],
  [2, 24 * GB, 8],
  [16, 3.9 * GB, 8],
  [1, GB / 2, 4],
])('with %i cores and %i bytes of memory %i workers may live by default', (cores, bytes, workers) => {
  expect(defaultMaxWorkers(cores, bytes)).toBe(workers)
})

test('this machine’s default is finite', () => {
  expect(defaultMaxWorkers()).toBeGreaterThanOrEqual(4)
  expect(defaultMaxWorkers()).toBeLessThan(1_000)
})

/** Invocations of functions, each in an environment of its own. */
function crowd(maxWorkers: number) {
  const { subject, workers, clock, task } = pool({ maxWorkers, idleMs: 900_000 })
  let count = 0
  const invoke = (functionId: string) => {
    const one = task(`environment-${++count}`, { functionId, deadline: clock.now() + 900_000 })
    return { task: one, end: subject.execute(one) }
  }
  return {
    subject,
    workers,
    clock,
    invoke,
    live: () => workers.filter(({ stopped }) => !stopped).length,
    /** The functions whose invocations run, in the order in which they started. */
    running: () => workers.filter(({ busy }) => busy).map(({ ran }) => ran.at(-1)!.functionId),
    /** Ends what has started last. */
    async endLast() {
      workers.findLast(({ busy }) => busy)!.end(answer(1))
      await turn()
    },
  }
}

const noticesOf = ({ task }: { task: { lines: readonly { text: string }[] } }) =>
  task.lines.map(({ text }) => text)

test('one line reports that invocations wait because of maxWorkers', async () => {
  const { invoke, clock, endLast } = crowd(2)
  const all = Array.from({ length: 10 }, () => invoke('api'))
  await turn()
  expect(all.flatMap(noticesOf)).toEqual([
    "[lambda-tether] 2 workers are busy, which is the executor's limit (maxWorkers): this invocation waits, and so may others.",
  ])
  expect(all[2]!.task.lines).toEqual([
    { stream: 'stderr', level: 'warn', time: clock.now(), text: expect.stringContaining('maxWorkers') },
  ])
  for (const _ of all) await endLast()
  await Promise.all(all.map(({ end }) => end))

  const next = Array.from({ length: 3 }, () => invoke('api'))
  await turn()
  expect(next.flatMap(noticesOf), 'it goes on').toEqual([])
  for (const _ of next) await endLast()
  await clock.advance(10_000)
  const later = Array.from({ length: 3 }, () => invoke('api'))
  await turn()
  expect(later.flatMap(noticesOf), 'it is another time').toHaveLength(1)
})

test('with one worker, A invokes B, which invokes C: each starts after some seconds', async () => {
  const { invoke, clock, running, endLast, live } = crowd(1)
  const a = invoke('a')
  const b = invoke('b')
  await clock.advance(1_999)
  expect(running()).toEqual(['a'])
  await clock.advance(1)
  expect(running()).toEqual(['a', 'b'])
  const c = invoke('c')
  await clock.advance(4_000)
  expect(running()).toEqual(['a', 'b', 'c'])
  for (const { end } of [c, b, a]) {
    await endLast()
    expect(resultOf(await end)).toBe(1)
  }
  expect(live(), 'idle workers beyond the limit end').toBe(1)
})

test('callers that fill the pool and its queue do not block the functions they call', async () => {
  const { invoke, clock, running, endLast } = crowd(4)
  const callers = Array.from({ length: 60 }, () => invoke('caller'))
  const called = Array.from({ length: 4 }, () => invoke('called'))
  await clock.advance(1_999)
  expect(running()).toEqual(Array(4).fill('caller'))
  await clock.advance(1)
  expect(running().at(-1)).toBe('called')
  // One place beyond the limit serves all four.
  for (let i = 1; i < 4; i++) {
    await endLast()
    expect(running().at(-1)).toBe('called')
  }
  await endLast()
  await Promise.all(called.map(({ end }) => end))
  for (const _ of callers) await endLast()
  expect(await Promise.all(callers.map(({ end }) => end))).toHaveLength(60)
})

test('an invocation that ends is a sign of life: no more start than may', async () => {
  const { invoke, clock, endLast, live } = crowd(2)
  const all = Array.from({ length: 20 }, () => invoke('api'))
  for (const _ of all) {
    await clock.advance(1_900)
    expect(live()).toBeLessThanOrEqual(2)
    await endLast()
  }
  await Promise.all(all.map(({ end }) => end))
})

test('slow code starts few extra workers, which end when the queue is empty', async () => {
  const { invoke, clock, live, endLast, subject } = crowd(4)
  const all = Array.from({ length: 60 }, () => invoke('slow'))
  await clock.advance(300_000)
  expect(live()).toBe(4 + 7)
  for (const _ of all) await endLast()
  await Promise.all(all.map(({ end }) => end))
  expect(live()).toBe(4)
  await subject.close()
  expect(clock.pending).toBe(0)
})

test('a waiting invocation that is given up leaves no timer', async () => {
  const { subject, clock, task, workers } = pool({ maxWorkers: 1 })
  const first = subject.execute(task('a'))
  const givenUp = new AbortController()
  const second = subject.execute(task('b'), { signal: givenUp.signal })
  givenUp.abort()
  await expect(second).rejects.toMatchObject({ code: 'ABORTED' })
  workers[0]!.end(answer(1))
  await first
  await subject.close()
  expect(clock.pending).toBe(0)
})

const project = await projectOfFile()

test('threads that invoke each other, more than may live, all answer', async () => {
  const path = await project.write(
    'chain.mjs',
    `export const handler = async ({ url, left }) =>
       left === 0 ? [0] : [left, ...(await (await fetch(url + (left - 1))).json())]`,
  )
  const clock = new ManualClock(Date.now())
  const executor = workerThreads({ maxWorkers: 1, spares: 0, clock })
  onTestFinished(() => executor.close())
  // As Lambda's own Invoke does, which a stub brings back to this machine.
  const invoked: (() => void)[] = []
  const invoke = (left: number): Promise<Outcome> => {
    const changes = { functionId: `step-${left}`, environmentId: `${left}`, deadline: clock.now() + 60_000 }
    const end = executor.execute(taskFor(path, { url, left }, changes))
    for (const resolve of invoked.splice(0)) resolve()
    return end
  }
  const listener: RequestListener = async (request, response) => {
    response.end(JSON.stringify(resultOf(await invoke(Number(request.url?.slice(1))))))
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const next = () => new Promise<void>((resolve) => invoked.push(resolve))

  let arrived = next()
  const first = invoke(3)
  await arrived
  for (const waitMs of [2_000, 4_000, 8_000]) {
    arrived = next()
    await arrived
    await clock.advance(waitMs)
  }
  expect(resultOf(await first)).toEqual([3, 2, 1, 0])
})
