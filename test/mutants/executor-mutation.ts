import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Executor, Outcome, Task } from '../../src/core/contracts/executor.js'
import { workerThreads } from '../../src/executors/worker-thread.js'
import { runFile } from '../../src/run-files.js'
import type { ExecutorUnderTest } from '../../src/testing/index.js'
import { SMALL_HEAP } from '../testing/executor-subjects.js'

/** One promise broken on purpose. */
export interface ExecutorMutant {
  /** What it does wrong. */
  readonly name: string
  /** The tests that are there for it. */
  readonly caughtBy: readonly string[]
  /** What those tests say of it, so that none of them fails for another reason. */
  readonly because: RegExp
  make(): ExecutorUnderTest | Promise<ExecutorUnderTest>
}

/** Where a mutation may reach into worker threads. */
export interface ExecutorMutation {
  /** Changes what they are given. */
  task?(task: Task): Task
  /** Changes what came out. */
  outcome?(outcome: Outcome, task: Task): Outcome | Promise<Outcome>
  /** Replaces parts. */
  parts?(inner: Executor): Partial<Executor>
}

/** Worker threads with one mutation. */
export function mutated({
  task: given = (same) => same,
  outcome: told = (same) => same,
  parts = () => ({}),
}: ExecutorMutation): ExecutorUnderTest {
  const inner = workerThreads({ resourceLimits: SMALL_HEAP })
  const executor: Executor = {
    name: 'mutant',
    execute: async (task, options) => told(await inner.execute(given(task), options), task),
    reload: (functionId) => inner.reload(functionId),
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => executor.close(),
    ...parts(inner),
  }
  return { executor, close: () => inner.close() }
}

/**
 * Worker threads that call handlers wrongly: `source` is a module whose exports stand before those of the suite's
 * functions, which it has as `original`.
 */
export async function wrongHandlers(
  source: string,
  task: ExecutorMutation['task'] = (same) => same,
): Promise<ExecutorUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'lambda-tether-mutant-'))
  const path = join(folder, 'handlers.mjs')
  const url = JSON.stringify(pathToFileURL(runFile('conformance-functions')).href)
  await writeFile(path, `import * as original from ${url}\nexport * from ${url}\n${source}`)
  const { executor, close } = mutated({
    task: (given) => {
      const changed = task(given)
      return changed.build.kind === 'file' ? { ...changed, build: { ...changed.build, path } } : changed
    },
  })
  return {
    executor,
    async close() {
      await close?.()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The same error with something else about it; values stay. */
export function otherError(change: (error: Extract<Outcome, { kind: 'error' }>['error']) => object) {
  return (outcome: Outcome): Outcome =>
    outcome.kind === 'error'
      ? { kind: 'error', error: { ...outcome.error, ...change(outcome.error) } }
      : outcome
}

/** Never tells errors of this type. */
export function silentAbout(errorType: string) {
  return (outcome: Outcome): Outcome | Promise<Outcome> =>
    outcome.kind === 'error' && outcome.error.errorType === errorType ? new Promise(() => {}) : outcome
}

/** What was first given for a key is what everybody gets. */
export function firstOf<T>(): (key: string, value: T) => T {
  const first = new Map<string, T>()
  return (key, value) => {
    if (!first.has(key)) first.set(key, value)
    return first.get(key) as T
  }
}
