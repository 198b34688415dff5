import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Executor, FunctionBuild, Task } from '../../src/index.js'
import { contextOf, errorOf, projectOfFile, resultOf, type TestTask, taskFor } from './handler-project.js'

const project = await projectOfFile()
let executor: Executor

beforeEach(() => {
  executor = workerThreads()
})

afterEach(() => executor.close())

/** What a handler's source answers to `{ bad: true }`; afterwards the same environment must answer normally. */
async function failure(name: string, bad: string, changes: Partial<Task> = {}) {
  const path = await project.write(
    name,
    `export const handler = async (event) => { if (!event.bad) return 'fine'; ${bad} }`,
  )
  const error = errorOf(await executor.execute(taskFor(path, { bad: true }, changes)))
  expect(resultOf(await executor.execute(taskFor(path)))).toBe('fine')
  return error
}

describe('an error of a handler', () => {
  test('an error crosses with its type, message, stack and causes', async () => {
    const error = await failure(
      'throws.mjs',
      'class OrderError extends Error { name = "OrderError" }; throw new OrderError("no order", { cause: new RangeError("deeper", { cause: "text" }) })',
    )
    expect(error).toMatchObject({
      errorType: 'OrderError',
      errorMessage: 'no order',
      cause: {
        errorType: 'RangeError',
        errorMessage: 'deeper',
        cause: { errorType: 'string', errorMessage: 'text' },
      },
    })
    expect(error.trace.join('\n')).toContain('throws.mjs:1')
  })

  test.each([
    ['a text', '"just text"', 'string', 'just text'],
    ['null', 'null', 'object', 'null'],
    ['undefined', 'undefined', 'undefined', 'undefined'],
    ['a number', '7', 'number', '7'],
  ])('%s keeps its type', async (name, value, errorType, errorMessage) => {
    expect(await failure(`${name}.mjs`, `throw ${value}`)).toEqual({ errorType, errorMessage, trace: [] })
  })

  test('an error with throwing properties is still an error', async () => {
    const error = await failure(
      'trap.mjs',
      'throw new Proxy(new Error("x"), { get() { throw new Error("trap") } })',
    )
    expect(error.errorMessage).toMatch(/cannot be read/)
  })
})

describe('modules that give no handler', () => {
  test.each([
    [
      'no such export',
      'export const other = 1',
      'Runtime.HandlerNotFound',
      /handler of .* is undefined or not exported/,
    ],
    ['not a function', 'export const handler = 5', 'Runtime.HandlerNotFound', /is not a function/],
    [
      'an import that is missing',
      'import "not-installed"; export const handler = 1',
      'Runtime.ImportModuleError',
      /not-installed/,
    ],
    ['broken syntax', 'export const handler = async () => {', 'Runtime.UserCodeSyntaxError', /SyntaxError/],
    ['a throw while loading', 'throw new TypeError("at init")', 'TypeError', /at init/],
    ['a wait that never ends', 'await new Promise(() => {})', 'Runtime.NodeJsExit', /not finished loading/],
    ['process.exit() while loading', 'process.exit(9)', 'Runtime.ExitError', /exited with code 9/],
  ])('%s', async (name, source, errorType, message) => {
    const path = await project.write(`${name}.mjs`, source)
    const error = errorOf(await executor.execute(taskFor(path)))
    expect(error).toMatchObject({ errorType, errorMessage: expect.stringMatching(message) })
    // The next invocation loads anew, so that what was repaired outside the module works without a reload.
    await project.write(`${name}.mjs`, 'export const handler = async () => "repaired"')
    expect(resultOf(await executor.execute(taskFor(path)))).toBe('repaired')
  })

  test('a file that is gone', async () => {
    const error = errorOf(await executor.execute(taskFor('/nowhere/at all/#api.mjs')))
    expect(error).toMatchObject({
      errorType: 'Runtime.ImportModuleError',
      errorMessage: expect.stringContaining('at all'),
    })
  })
})

describe('code that ends its runtime', () => {
  test.each([0, 3])('process.exit(%i) is answered at once', async (code) => {
    const error = await failure('exit.mjs', `process.exit(${code})`)
    expect(error).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: request-1 Error: Runtime exited: local code exited with code ${code} before it answered`,
      trace: [],
    })
  })

  test('process.exit() replaced by the code itself hangs only until the deadline', async () => {
    const bad =
      'process.exit = () => {}; process.exit(1); await new Promise((resolve) => setTimeout(resolve, 60_000))'
    const error = await failure('no-exit.mjs', bad, { deadline: Date.now() + 400 })
    expect(error.errorType).toBe('Sandbox.Timedout')
  })

  test('a throw outside of any promise is answered at once, with its stack', async () => {
    const bad =
      'setTimeout(() => { throw new RangeError("loose") }, 1); await new Promise((resolve) => setTimeout(resolve, 60_000))'
    const error = await failure('uncaught.mjs', bad)
    expect(error).toMatchObject({ errorType: 'RangeError', errorMessage: 'loose' })
    expect(error.trace.join('\n')).toContain('uncaught.mjs:1')
  })

  test('an unhandled rejection is answered at once, as Lambda names it', async () => {
    const bad =
      'Promise.reject(new RangeError("unheard")); await new Promise((resolve) => setTimeout(resolve, 60_000))'
    const error = await failure('rejection.mjs', bad)
    expect(error).toMatchObject({
      errorType: 'Runtime.UnhandledPromiseRejection',
      errorMessage: 'RangeError: unheard',
      cause: { errorType: 'RangeError' },
    })
    expect(error.trace.join('\n')).toContain('rejection.mjs:1')
  })

  test('listeners removed or added by the code do not save it', async () => {
    const removed =
      'process.removeAllListeners(); setTimeout(() => { throw new Error("bare") }, 1); await new Promise((r) => setTimeout(r, 60_000))'
    expect((await failure('removed.mjs', removed)).errorMessage).toBe('bare')
    const added =
      'process.on("uncaughtException", () => {}); setTimeout(() => { throw new Error("seen") }, 1); await new Promise((r) => setTimeout(r, 60_000))'
    expect((await failure('added.mjs', added)).errorMessage).toBe('seen')
  })

  test('a promise that is never settled is answered as soon as nothing is left to wait for', async () => {
    const error = await failure('never.mjs', 'await new Promise(() => {})')
    expect(error).toMatchObject({
      errorType: 'Runtime.NodeJsExit',
      errorMessage: expect.stringContaining('never settled'),
    })
  })

  test.each([
    ['an endless loop', 'for (;;);'],
    ['an endless chain of microtasks', 'for (;;) await null'],
    ['a regular expression that explodes', '/^(a+)+$/.test("a".repeat(40) + "b")'],
  ])('%s is stopped at the deadline, with Lambda’s words', async (name, bad) => {
    const startedAt = Date.now()
    const error = await failure(`${name}.mjs`, bad, { deadline: startedAt + 600 })
    expect(error.errorType).toBe('Sandbox.Timedout')
    expect(error.errorMessage).toMatch(
      /^RequestId: request-1 Error: Task timed out after 0\.(60|5\d) seconds$/,
    )
  })

  test('more memory than the thread may have ends the thread only', async () => {
    await executor.close()
    executor = workerThreads({ resourceLimits: { maxOldGenerationSizeMb: 40, maxYoungGenerationSizeMb: 4 } })
    const error = await failure(
      'memory.mjs',
      'const kept = []; for (;;) kept.push("x".repeat(100) + kept.length)',
    )
    expect(error).toMatchObject({
      errorType: 'Runtime.OutOfMemory',
      errorMessage: expect.stringContaining('memory'),
    })
  })

  test("with resourceLimits: 'function' each function has the heap that its memory size gives it on Lambda", async () => {
    await executor.close()
    executor = workerThreads({ resourceLimits: 'function' })
    const path = await project.write(
      'sized.mjs',
      // Not by running out of it: where V8 has a bad moment, that ends the process of the tests.
      `import { getHeapStatistics } from 'node:v8'
       export const handler = async () => getHeapStatistics().heap_size_limit / 2 ** 20`,
    )
    const limits = ['128', '512'].map(async (memoryLimitInMB) => {
      const context = { ...contextOf('1'), memoryLimitInMB }
      return resultOf(
        await executor.execute(taskFor(path, {}, { functionId: memoryLimitInMB, context })),
      ) as number
    })
    const [small, large] = await Promise.all(limits)
    // Lambda's 90 % for old objects, and what V8 adds for young ones.
    expect(small).toBeGreaterThan(0.89 * 128)
    expect(small).toBeLessThan(1.25 * 128)
    expect(large).toBeGreaterThan(0.89 * 512)
    expect(large).toBeLessThan(1.25 * 512)
  })

  test('a stack that is too deep is an ordinary error', async () => {
    expect((await failure('deep.mjs', 'const deeper = () => deeper() + 1; deeper()')).errorType).toBe(
      'RangeError',
    )
  })

  test('messages to the host from user code, and a closed parentPort, mean nothing', async () => {
    const path = await project.write(
      'ports.mjs',
      `import { parentPort } from 'node:worker_threads'
       export const handler = async () => {
         parentPort.postMessage({ kind: 'value', sequence: 1, body: new Uint8Array(1) })
         parentPort.close()
         return 'unharmed'
       }`,
    )
    for (let i = 0; i < 2; i++) expect(resultOf(await executor.execute(taskFor(path)))).toBe('unharmed')
  })
})

describe('a failure after the answer', () => {
  const SPIN = 'const until = Date.now() + 50; while (Date.now() < until)'

  /** A worker that answers and then ends by itself when told; resolves when it has. */
  async function answerThenEnd(name: string, end: string): Promise<TestTask> {
    const path = await project.write(
      name,
      `export const handler = async ({ after }) => {
         if (after) setTimeout(() => { console.log('ending'); ${SPIN}; ${end} }, 1)
         return 'answered'
       }`,
    )
    let ended = () => {}
    const ending = new Promise<void>((resolve) => {
      ended = resolve
    })
    const task = taskFor(path, { after: true })
    const onLog: Task['onLog'] = (line) => {
      task.lines.push(line)
      ended()
    }
    expect(resultOf(await executor.execute({ ...task, onLog }))).toBe('answered')
    await ending
    // At the worst moment: the invocation is sent to a thread that is about to end.
    for (let i = 0; i < 3; i++) expect(resultOf(await executor.execute(taskFor(path)))).toBe('answered')
    return task
  }

  test('process.exit() in a timer does not touch the next invocation', async () => {
    await answerThenEnd('late-exit.mjs', 'process.exit(1)')
  })

  test('a late throw does not touch the next invocation, and is logged with the invocation that caused it', async () => {
    const task = await answerThenEnd('late-throw.mjs', 'throw new Error("too late")')
    await executor.close()
    expect(task.lines.map(({ text }) => text).join('\n')).toMatch(/Error: too late[\s\S]*late-throw\.mjs/)
  })

  test('a late rejection does not touch the next invocation', async () => {
    await answerThenEnd('late-rejection.mjs', 'Promise.reject(new Error("too late"))')
  })
})

describe('giving up', () => {
  test('an abort stops the code and rejects; the environment works again', async () => {
    const path = await project.write(
      'abort.mjs',
      'export const handler = async ({ spin }) => { if (spin) { console.log("spinning"); for (;;); } return "fine" }',
    )
    const abort = new AbortController()
    const task = taskFor(path, { spin: true }, { onLog: () => abort.abort(new Error('enough')) })
    await expect(executor.execute(task, { signal: abort.signal })).rejects.toMatchObject({
      code: 'ABORTED',
      cause: { message: 'enough' },
    })
    expect(resultOf(await executor.execute(taskFor(path)))).toBe('fine')
  })

  test('close waits for running invocations, ends every thread, and refuses later ones', async () => {
    const path = await project.write(
      'close.mjs',
      'export const handler = async () => { await new Promise((r) => setTimeout(r, 30)); return "done" }',
    )
    const before = threadsAlive()
    const running = executor.execute(taskFor(path))
    const closing = executor.close()
    await expect(executor.execute(taskFor(path))).rejects.toMatchObject({ code: 'CLOSED' })
    await closing
    expect(resultOf(await running)).toBe('done')
    expect(threadsAlive()).toBe(before)
  })
})

function threadsAlive(): number {
  return process.getActiveResourcesInfo().filter((resource) => /^(MessagePort|Worker)$/.test(resource)).length
}

describe('a thread that ends while it loads', () => {
  // Node aborts the whole process if it terminates a thread while `require` links an ES module.
  const kept = "exports.handler = async () => 'kept'"

  test('replaced: it loads its dependencies first', async () => {
    const begun = join(project.folder, 'begun')
    const proceed = join(project.folder, 'proceed')
    const done = join(project.folder, 'done')
    const slow = `
      const { existsSync, writeFileSync } = require('node:fs')
      writeFileSync(${JSON.stringify(begun)}, '')
      while (!existsSync(${JSON.stringify(proceed)})) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
      writeFileSync(${JSON.stringify(done)}, '')`
    const path = await project.write('replaced.cjs', kept)
    const buildWith = async (name: string, dependencies: string): Promise<FunctionBuild> => ({
      kind: 'file',
      path,
      exportName: 'handler',
      dependencies: { path: await project.write(name, dependencies), fingerprints: [name] },
    })
    const task = taskFor(path, {}, { build: await buildWith('slow.cjs', slow) })
    expect(resultOf(await executor.execute(task))).toBe('kept')
    await expect.poll(() => existsSync(begun)).toBe(true)
    const reloaded = executor.reload(task.functionId, await buildWith('quick.cjs', ''))
    writeFileSync(proceed, '')
    await reloaded
    await executor.close()
    expect(existsSync(done)).toBe(true)
  })

  test('failed outside its module: it loads the module first', async () => {
    const done = join(project.folder, 'loaded')
    const broken = `
      import { writeFileSync } from 'node:fs'
      setImmediate(() => { throw new Error('outside') })
      await new Promise((resolve) => setTimeout(resolve, 100))
      writeFileSync(${JSON.stringify(done)}, '')
      export const handler = async () => 'never'`
    const task = taskFor(await project.write('whole.cjs', kept))
    expect(resultOf(await executor.execute(task))).toBe('kept')
    const path = await project.write('broken.mjs', broken)
    const reloaded = executor.reload(task.functionId, { kind: 'file', path, exportName: 'handler' })
    await expect(reloaded).rejects.toThrow('outside')
    await executor.close()
    expect(existsSync(done)).toBe(true)
  })
})
