import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { childProcesses } from '../../src/executors/child-process.js'
import type { Executor, Outcome } from '../../src/index.js'
import { eventually } from '../support/eventually.js'
import {
  contextOf,
  errorOf,
  NODE_RUNTIME,
  projectOfFile,
  resultOf,
  type TestTask,
  taskFor,
} from './handler-project.js'
import { childrenWith, goneSoon, isAlive } from './process-state.js'

const project = await projectOfFile()
let executor: Executor

beforeEach(() => {
  executor = childProcesses()
})

afterEach(() => executor.close())

/** The same behaviours in both languages. */
const languages = [
  {
    name: 'Node',
    file: 'subject.mjs',
    runtime: NODE_RUNTIME,
    source: `
      import { spawn } from 'node:child_process'
      import { writeFileSync } from 'node:fs'
      console.log('loading')
      const early = { ...process.env }
      let calls = 0
      export const handler = async (event, context) => {
        calls++
        if (event.print) console.log(event.print)
        if (event.onTerm) process.on('SIGTERM', () => { writeFileSync(event.onTerm, 'told'); if (!event.stay) process.exit() })
        if (event.child) {
          const child = spawn('sleep', ['600'], { stdio: 'inherit' })
          console.log(child.pid)
        }
        if (event.pid) console.log(process.pid)
        if (event.exit !== undefined) process.exit(event.exit)
        while (event.loop);
        if (event.hang) await new Promise(() => setInterval(() => {}, 1000))
        if (event.later) setTimeout(() => { throw new Error('left behind') }, 1)
        if (event.big) process.stdout.write('x'.repeat(event.big) + '\\n')
        return { calls, pid: process.pid, early, env: { ...process.env }, argv: process.argv.slice(2), text: event.text }
      }`,
  },
  {
    name: 'Python',
    file: 'subject.py',
    runtime: expect.stringMatching(/^AWS_Lambda_python3\.\d+$/),
    source: `
import os, signal, subprocess, sys, threading, time
print('loading')
early = dict(os.environ)
calls = 0

def told(path, stay):
    with open(path, 'w') as file:
        file.write('told')
    if not stay:
        sys.exit()

def end():
    sys.stderr.write('left behind\\n')
    os._exit(1)

def handler(event, context):
    global calls
    calls += 1
    if event.get('print'): print(event['print'])
    if event.get('onTerm'): signal.signal(signal.SIGTERM, lambda *_: told(event['onTerm'], event.get('stay')))
    if event.get('child'): print(subprocess.Popen(['sleep', '600']).pid)
    if event.get('pid'): print(os.getpid())
    if 'exit' in event: sys.exit(event['exit'])
    while event.get('loop'): pass
    while event.get('hang'): time.sleep(1)
    if event.get('later'): threading.Timer(0.02, end).start()
    if event.get('big'): print('x' * event['big'])
    return { 'calls': calls, 'pid': os.getpid(), 'early': early, 'env': dict(os.environ), 'argv': sys.argv[1:], 'text': event.get('text') }
`,
  },
] as const

interface Answer {
  calls: number
  pid: number
  early: Record<string, string>
  env: Record<string, string>
  argv: string[]
  text: string
}

describe.each(languages)('$name', ({ file, runtime, source }) => {
  const ofRuntime = { LAMBDA_TASK_ROOT: project.folder, AWS_EXECUTION_ENV: runtime }
  let path: string

  beforeAll(async () => {
    path = await project.write(file, source)
  })

  const execute = async (task: TestTask) => resultOf(await executor.execute(task)) as Answer

  /** Executes until the first line is written that is a number, such as a process's id. */
  const untilNumber = (task: TestTask, signal?: AbortSignal) => {
    let outcome: Promise<Outcome> = Promise.reject(new Error('not started'))
    outcome.catch(() => {})
    const number = new Promise<number>((resolve) => {
      const onLog = ({ text }: { text: string }) => {
        if (/^\d+$/.test(text)) resolve(Number(text))
      }
      outcome = executor.execute({ ...task, onLog }, signal ? { signal } : {})
      outcome.catch(() => {})
    })
    return { number, outcome }
  }

  test('the environment is the function’s plus PATH, HOME and inherited variables, from the module’s first line', async () => {
    vi.stubEnv('HOST_SECRET', 'do not show')
    vi.stubEnv('HOST_ALLOWED', 'shown')
    try {
      await using open = childProcesses({ inheritEnv: ['HOST_ALLOWED'] })
      const env = { MINE: '漢', AWS_LAMBDA_FUNCTION_NAME: 'api-dev' }
      const { PATH, HOME } = process.env
      const expected = { ...env, HOST_ALLOWED: 'shown', PATH, HOME, ...ofRuntime }
      const { early, env: now, argv } = resultOf(await open.execute(taskFor(path, {}, { env }))) as Answer
      expect({ early, now, argv }).toEqual({ early: expected, now: expected, argv: [] })
    } finally {
      vi.unstubAllEnvs()
    }
  })

  test('a changed environment is applied in the running process', async () => {
    const first = await execute(taskFor(path, {}, { env: { A: '1', B: '1' } }))
    const traced = { ...contextOf('r'), traceId: 'Root=1' }
    const second = await execute(
      taskFor(path, {}, { env: { A: '漢'.repeat(30_000), C: '3' }, context: traced }),
    )
    const third = await execute(taskFor(path, {}, { env: { A: '2', C: '3' } }))
    expect([second.pid, third.pid, third.calls]).toEqual([first.pid, first.pid, 3])
    const kept = { C: '3', PATH: process.env.PATH, HOME: process.env.HOME, ...ofRuntime }
    expect(second.env).toEqual({ ...kept, A: '漢'.repeat(30_000), _X_AMZN_TRACE_ID: 'Root=1' })
    expect(third.env).toEqual({ ...kept, A: '2' })
  })

  test('6 MB each way', async () => {
    const text = '漢'.repeat(2 * 1024 * 1024 - 2000)
    const answer = await execute(taskFor(path, { text }, { env: {} }))
    expect(answer.text === text).toBe(true)
  })

  test('an answer over Lambda’s limit is Lambda’s own error, and the process goes on', async () => {
    const text = '漢'.repeat(2 * 1024 * 1024)
    expect(errorOf(await executor.execute(taskFor(path, { text }))).errorType).toBe(
      'Function.ResponseSizeTooLarge',
    )
    expect((await execute(taskFor(path))).calls).toBe(2)
  })

  test('lines of any length arrive whole and before the outcome, the module’s own with the first invocation', async () => {
    const first = taskFor(path, { big: 5_000_000, print: 'one\ntwo\n{"level":"warn","message":"three"}' })
    const second = taskFor(path)
    await executor.execute(first)
    await executor.execute(second)
    expect(first.lines.map(({ text }) => (text.length > 100 ? text.length : text))).toEqual([
      'loading',
      'one',
      'two',
      '{"level":"warn","message":"three"}',
      5_000_000,
    ])
    expect(first.lines.map(({ level }) => level)).toEqual([
      undefined,
      undefined,
      undefined,
      'warn',
      undefined,
    ])
    expect(second.lines).toEqual([])
  })

  test('a line that is written right before the answer comes before the outcome, each time', async () => {
    for (let n = 0; n < 200; n++) {
      const task = taskFor(path, { print: `line ${n}` })
      await executor.execute(task)
      expect(task.lines.at(-1)?.text).toBe(`line ${n}`)
    }
  })

  test.each([0, 7])('exit %d is answered at once, and ends its child processes', async (exit) => {
    const task = taskFor(path, { child: true, exit })
    const error = errorOf(await executor.execute(task))
    expect(error.errorType).toBe('Runtime.ExitError')
    expect(error.errorMessage).toContain(`exited with code ${exit} before it answered`)
    const child = Number(task.lines.at(-1)?.text)
    expect(child).toBeGreaterThan(1)
    await goneSoon(child)
    expect((await execute(taskFor(path))).calls).toBe(1)
  })

  test('a killed process is answered with the signal', async () => {
    const { number, outcome } = untilNumber(taskFor(path, { pid: true, hang: true }))
    process.kill(await number, 'SIGKILL')
    expect(errorOf(await outcome).errorMessage).toContain('was ended by SIGKILL')
  })

  test('an endless loop is Lambda’s time-out at the deadline, and leaves no process', async () => {
    // Its process is there: on a busy machine the time would be up before it has started.
    await execute(taskFor(path))
    const task = taskFor(path, { pid: true, loop: true }, { deadline: Date.now() + 800 })
    const { number, outcome } = untilNumber(task)
    expect(errorOf(await outcome).errorType).toBe('Sandbox.Timedout')
    await goneSoon(await number)
    expect((await execute(taskFor(path))).calls).toBe(1)
  })

  test('aborting rejects, and ends the process and its children', async () => {
    const controller = new AbortController()
    const { number, outcome } = untilNumber(taskFor(path, { child: true, hang: true }), controller.signal)
    const child = await number
    expect(isAlive(child)).toBe(true)
    controller.abort()
    await expect(outcome).rejects.toMatchObject({ code: 'ABORTED' })
    await goneSoon(child)
  })

  test('a process gets SIGTERM before it is killed', async () => {
    const note = `${path}.note`
    await execute(taskFor(path, { onTerm: note }))
    await executor.close()
    expect(await readFile(note, 'utf8')).toBe('told')
    await rm(note)
  })

  test('a process that ignores SIGTERM is killed after its grace period', async () => {
    await using hasty = childProcesses({ graceMs: 50 })
    const { pid } = resultOf(
      await hasty.execute(taskFor(path, { onTerm: `${path}.note`, stay: true })),
    ) as Answer
    await hasty.close()
    expect(isAlive(pid)).toBe(false)
  })

  test('close lets a running invocation finish, and leaves no process', async () => {
    const task = taskFor(path, { pid: true })
    const outcome = executor.execute(task)
    await executor.close()
    const { pid } = resultOf(await outcome) as Answer
    expect(isAlive(pid)).toBe(false)
    expect(childrenWith('guard.mjs')).toEqual([])
    await expect(executor.execute(task)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('a process that ends between two invocations costs the second a start and no error', async () => {
    const first = await execute(taskFor(path, { later: true }))
    await goneSoon(first.pid)
    const second = await execute(taskFor(path))
    expect(second.calls).toBe(1)
    expect(second.pid).not.toBe(first.pid)
  })

  test('environments run at the same time, each with its own state', async () => {
    const call = (environmentId: string) => execute(taskFor(path, {}, { environmentId }))
    const [a1, b1] = await Promise.all([call('a'), call('b')])
    const a2 = await call('a')
    expect([a1.calls, b1.calls, a2.calls, a2.pid]).toEqual([1, 1, 2, a1.pid])
    expect(b1.pid).not.toBe(a1.pid)
  })

  test('after a reload a process that stood by runs the new code', async () => {
    const reloaded = await project.write(`reloaded-${file}`, source)
    const { pid } = await execute(taskFor(reloaded, {}, { env: { A: '1' } }))
    await eventually(() => expect(executor.stats?.().api?.workers).toBe(2))
    const standing = childrenWith(file.endsWith('.py') ? 'python-bootstrap' : 'node-bootstrap')
    await project.write(`reloaded-${file}`, source.replaceAll('calls', 'renamed'))
    await executor.reload('api', { kind: 'file', path: reloaded, exportName: 'handler' })
    const task = taskFor(reloaded, {}, { env: { A: '1' } })
    const answer = await execute(task)
    // Written while the module loaded, before there was an invocation.
    expect(task.lines.map(({ text }) => text)).toEqual(['loading'])
    expect(answer).toMatchObject({ renamed: 1, early: { A: '1' } })
    expect(standing.filter((id) => id !== pid)).toContain(answer.pid)
    await goneSoon(pid)
  })

  test('reports the memory of its processes', async () => {
    await execute(taskFor(path))
    const megabytes = (executor.stats?.().api?.memoryBytes ?? 0) / 1024 / 1024
    expect(megabytes).toBeGreaterThan(3)
    expect(megabytes).toBeLessThan(300)
  })
})

describe('Node', () => {
  const run = async (name: string, source: string, changes = {}) =>
    executor.execute(taskFor(await project.write(name, source), {}, changes))

  test.each([
    ['broken.mjs', 'export const = 1', 'Runtime.UserCodeSyntaxError', /Unexpected token/],
    ['import.mjs', 'import "./nowhere.mjs"', 'Runtime.ImportModuleError', /nowhere\.mjs/],
    ['none.mjs', 'export const other = 1', 'Runtime.HandlerNotFound', /handler of .*none\.mjs is undefined/],
    ['throws.mjs', 'throw new RangeError("at import")', 'RangeError', /^at import$/],
    ['never.mjs', 'await new Promise(() => {})', 'Runtime.NodeJsExit', /has not finished loading/],
    [
      'exits.mjs',
      'console.error("no database"); process.exit(9)',
      'Runtime.ExitError',
      /exited with code 9 before it answered:\nno database$/,
    ],
  ])('%s cannot start: %s', async (name, source, errorType, message) => {
    const error = errorOf(await run(name, source))
    expect(error).toMatchObject({ errorType, errorMessage: expect.stringMatching(message) })
  })

  test('an error has its name, its message, its cause and lines of TypeScript', async () => {
    const { esbuild } = await import('../../src/sources/esbuild.js')
    const path = await project.write(
      'typed.ts',
      `interface Event { n: number }

       export const handler = async (event: Event): Promise<void> => {
         throw new TypeError('no', { cause: new Error('why') })
       }`,
    )
    const source = esbuild({ entry: path })
    const error = errorOf(await executor.execute(taskFor(path, {}, { build: await source.load() })))
    await source.close?.()
    expect(error).toMatchObject({
      errorType: 'TypeError',
      errorMessage: 'no',
      cause: { errorMessage: 'why' },
    })
    expect(error.trace[0]).toBe('TypeError: no')
    expect(error.trace[1]).toContain('typed.ts:4:')
  })

  test.each([
    ['throw', 'async () => { throw { code: 1 } }', 'object', '[object Object]'],
    ['text', '(e, c, callback) => callback("no")', 'string', 'no'],
    [
      'later',
      'async () => { setTimeout(() => { throw new RangeError("loose") }); await new Promise(() => setInterval(() => {}, 9e6)) }',
      'RangeError',
      'loose',
    ],
    [
      'rejected',
      'async () => { Promise.reject(new RangeError("loose")); await new Promise(() => setInterval(() => {}, 9e6)) }',
      'Runtime.UnhandledPromiseRejection',
      'RangeError: loose',
    ],
    ['forgotten', 'async () => { await new Promise(() => {}) }', 'Runtime.NodeJsExit', expect.any(String)],
    ['circle', 'async () => { const a = {}; a.a = a; return a }', 'Runtime.MarshalError', expect.any(String)],
  ])('%s', async (name, handler, errorType, errorMessage) => {
    const error = errorOf(await run(`${name}.mjs`, `export const handler = ${handler}`))
    expect(error).toMatchObject({ errorType, errorMessage })
  })

  test.each([
    ['a CommonJS module', 'old.cjs', 'exports.handler = async () => "done"'],
    [
      'a callback',
      'callback.mjs',
      'export const handler = (e, c, callback) => setTimeout(callback, 5, null, "done")',
    ],
    ['context.succeed', 'succeed.cjs', 'exports.handler = (e, context) => { context.succeed("done") }'],
    ['a plain value', 'plain.mjs', 'export const handler = () => "done"'],
  ])('%s answers', async (_, name, source) => {
    expect(resultOf(await run(name, source))).toBe('done')
  })

  test('a callback waits for an empty event loop, unless told not to', async () => {
    const source = (waits: boolean) => `export const handler = (event, context, callback) => {
      context.callbackWaitsForEmptyEventLoop = ${waits}
      const seen = []
      setTimeout(() => seen.push('later'), 20)
      callback(null, seen)
    }`
    expect(resultOf(await run('waits.mjs', source(true)))).toEqual(['later'])
    expect(resultOf(await run('hurries.mjs', source(false)))).toEqual([])
  })

  test('the context has every field of Lambda’s, regardless of the environment', async () => {
    const context = {
      ...contextOf('r-9'),
      clientContext: { custom: { a: '漢'.repeat(2000) } },
      identity: { cognitoIdentityId: 'x' },
      tenantId: 't',
    }
    const source = `export const handler = async (event, { getRemainingTimeInMillis, done, fail, succeed, ...fields }) =>
      ({ fields, left: getRemainingTimeInMillis() })`
    const changes = { context, deadline: Date.now() + 9000, env: { AWS_LAMBDA_FUNCTION_NAME: 'another' } }
    const answer = resultOf(await run('context.mjs', source, changes)) as { fields: unknown; left: number }
    expect(answer.fields).toEqual({ ...context, callbackWaitsForEmptyEventLoop: true })
    expect(answer.left).toBeGreaterThan(3000)
    expect(answer.left).toBeLessThanOrEqual(9000)
  })

  test('running out of memory is an error that says so', async () => {
    const source =
      'export const handler = async () => { const all = []; for (;;) all.push(new Array(1e5).fill(1)) }'
    const env = { NODE_OPTIONS: '--max-old-space-size=40' }
    const error = errorOf(await run('memory.mjs', source, { env }))
    expect(error.errorType).toBe('Runtime.OutOfMemory')
    expect(error.errorMessage).toMatch(/heap out of memory/)
  })

  test.each([[[]], [['NODE_OPTIONS']]])(
    'layers instrument with files that are not here: allowEnv %j',
    async (allowEnv) => {
      await using open = childProcesses({ allowEnv })
      const path = await project.write(
        'layer.mjs',
        'export const handler = async () => process.env.NODE_OPTIONS',
      )
      const env = { NODE_OPTIONS: '--enable-source-maps --require /opt/nodejs/instrument.cjs' }
      const task = taskFor(path, {}, { env })
      expect(resultOf(await open.execute(task))).toBe('--enable-source-maps')
      expect(task.lines.map(({ text }) => text)).toEqual([
        expect.stringMatching(
          /^\[lambda-tether\] Part of NODE_OPTIONS of the function's environment is left out: /,
        ),
      ])
    },
  )

  test('an id that no header can carry fails that invocation alone', async () => {
    const path = await project.write('id.mjs', 'let n = 0; export const handler = async () => ++n')
    const broken = await executor.execute(taskFor(path, {}, { context: contextOf('a\nb') }))
    expect(errorOf(broken).errorType).toBe('TypeError')
    expect(resultOf(await executor.execute(taskFor(path)))).toBe(1)
  })
})

test('output that bypasses process.stdout is in the invocation’s log, too', async () => {
  const source = `
    import { spawnSync } from 'node:child_process'
    import { writeSync } from 'node:fs'
    import { Worker } from 'node:worker_threads'
    export const handler = async () => {
      writeSync(1, 'past the stream\\n')
      spawnSync(process.execPath, ['-p', '"by another program"'], { stdio: 'inherit' })
      const thread = new Worker('require("fs").writeSync(1, "by a thread\\\\n")', { eval: true })
      await new Promise((resolve) => thread.once('exit', resolve))
    }`
  const task = taskFor(await project.write('past.mjs', source))
  await executor.execute(task)
  expect(task.lines.map(({ text }) => text)).toEqual(['past the stream', 'by another program', 'by a thread'])
})

test('a caller without the secret path of a Runtime API gets neither environment nor events', async () => {
  const path = await project.write('guarded.mjs', 'export const handler = async () => 1')
  await executor.execute(taskFor(path, {}, { env: { SECRET: 'x' } }))
  const ports = listeningPorts()
  expect(ports.length).toBeGreaterThan(0)
  for (const port of ports) {
    for (const call of [
      'lambda-tether/start',
      'lambda-tether/details',
      '2018-06-01/runtime/invocation/next',
    ]) {
      expect((await fetch(`http://127.0.0.1:${port}/${call}`)).status).toBe(404)
    }
  }
})

describe('limits', () => {
  test('a handler of this process is refused with a remedy', async () => {
    const build = { kind: 'module', load: async () => async () => 1 } as const
    await expect(executor.execute(taskFor('', {}, { build }))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/handler of this process.*inline/),
    })
  })

  test.each([
    [{ maxWorkers: 0 }, 'maxWorkers'],
    [{ spares: -1 }, 'spares'],
    [{ idleMs: -1 }, 'idleMs'],
    [{ inheritEnv: 'PATH' }, 'inheritEnv'],
    [{ graceMs: '1' }, 'graceMs'],
    [{ python: '' }, 'python'],
    [{ maxWorker: 3 }, 'maxWorker'],
  ])('the option %j is refused by name', (options, name) => {
    expect(() => childProcesses(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })
})

/** The ports of 127.0.0.1 on which this process listens. */
function listeningPorts(): number[] {
  const own = new Set(readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`)))
  return readFileSync('/proc/self/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && own.has(`socket:[${inode}]`))
    .map(([, local]) => Number.parseInt(local?.split(':')[1] ?? '', 16))
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
