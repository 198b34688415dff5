import { describe, expect, test } from 'vitest'
import { inlineSubject, nodeSubject } from '../testing/executor-subjects.js'
import { EXECUTOR_MUTANTS } from './executor-mutants.js'
import { executorTestNames, executorTests } from './executor-suite.js'
import { unsaid } from './executor-worker-mutants.js'

// Many of them are caught by waiting for what does not come.
describe.concurrent('the executor suite', () => {
  const cases = EXECUTOR_MUTANTS.flatMap((mutant) =>
    mutant.caughtBy.map((caughtBy) => [mutant.name, caughtBy, mutant] as const),
  )

  test.each(cases)('catches one that %s: %s', async (_name, caughtBy, { make, because }) => {
    const run = executorTests(make).get(caughtBy)
    expect(run, 'no such test').toBeDefined()
    await expect(run?.()).rejects.toThrow(because)
  })

  test('has a mutant for each of its tests', () => {
    const caught = new Set(EXECUTOR_MUTANTS.flatMap(({ caughtBy }) => caughtBy))
    expect(executorTestNames().filter((name) => !caught.has(name))).toEqual([])
  })

  test('lets nothing be left out that is there', async () => {
    const check = "'cause' is left out because it is not there"
    const tests = executorTests(inlineSubject.factory, ['cause'])
    await expect(tests.get(check)?.()).rejects.toThrow(/all of its tests pass/)
    expect(tests.has("an error's cause comes with it")).toBe(false)
  })

  const deadly = [
    'a function that exits while it starts is an error at once',
    'code that exits is answered at once, with its exit code',
    'code that exits with 0 has not answered either',
    'an environment whose code exited after its answer answers again',
    'a rejection that nobody handles is answered at once',
    'an error that nobody can catch is answered at once',
    'code that runs out of memory is an error, and not one of time',
    'code that never yields is stopped when the time is up, and its environment answers again',
    'code that never yields holds up nobody else',
  ]
  test.each(deadly)('fails with words on an event loop that is shared in secret: %s', async (name) => {
    await expect(executorTests(unsaid).get(name)?.()).rejects.toThrow(
      /on the event loop of the test runner.*`sharesEventLoop: true`.*`without`/s,
    )
  })

  test('does not try on its own event loop what would end it', async () => {
    const tests = executorTests(inlineSubject.factory, ['exit', 'stop'])
    await tests.get("'exit' is left out because it is not there")?.()
    await tests.get("'stop' is left out because it is not there")?.()
  })

  test('tries the rest, and finds it', async () => {
    const tests = executorTests(nodeSubject.factory, ['children'])
    await expect(tests.get("'children' is left out because it is not there")?.()).rejects.toThrow(
      /all of its tests pass/,
    )
  })
})
