import { BroadcastChannel } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { workerThreads } from '../../src/executors/worker-thread.js'
import type { Executor, LogEntry } from '../../src/index.js'
import { projectOfFile, resultOf, type TestTask, taskFor } from './handler-project.js'

const project = await projectOfFile()
let executor: Executor

beforeEach(() => {
  executor = workerThreads()
})

afterEach(() => executor.close())

const texts = (task: TestTask) => task.lines.map(({ stream, text }) => `${stream}: ${text}`)

async function output(name: string, source: string, event: unknown = {}): Promise<string[]> {
  const task = taskFor(await project.write(name, source), event)
  await executor.execute(task)
  return texts(task)
}

test('console, process.stdout and process.stderr arrive line by line, before the outcome', async () => {
  const source = `export const handler = async () => {
    console.log('one %d', 1)
    console.error('two')
    console.info({ three: 3 })
    process.stdout.write('four\\nfi')
    process.stdout.write('ve\\nsi')
    process.stdout.write(Buffer.from('x 漢').subarray(0, 3))
    process.stdout.write(Buffer.from('漢').subarray(1))
    process.stderr.write('no line break')
    await new Promise((resolve) => process.stdout.write(' written', resolve))
    process.stdout.write('6c617374', 'hex')
  }`
  expect(await output('styles.mjs', source)).toEqual([
    'stdout: one 1',
    'stderr: two',
    'stdout: { three: 3 }',
    'stdout: four',
    'stdout: five',
    'stdout: six 漢 writtenlast',
    'stderr: no line break',
  ])
})

test('output through node:fs to the descriptors of stdout and stderr arrives too, as pino writes it', async () => {
  const source = `import fs, { appendFileSync, createWriteStream, writeFileSync, writeSync, writevSync } from 'node:fs'
  import { createRequire } from 'node:module'
  import { promisify } from 'node:util'
  export const handler = async () => {
    const results = [writeSync(1, 'sync 漢\\n'), writeSync(2, Buffer.from('..error\\n..'), 2, 6)]
    results.push(fs.writeSync(1, Buffer.from('with options\\n'), { offset: 5 }), fs.writeSync(1, '6865780a', null, 'hex'))
    results.push(writevSync(1, [Buffer.from('a'), Buffer.from('b\\n')]))
    writeFileSync(1, 'file\\n'); appendFileSync(1, 'appended\\n')
    const { bytesWritten, buffer } = await promisify(createRequire(import.meta.url)('fs').write)(1, 'promised\\n')
    results.push(bytesWritten, buffer, await new Promise((done) => fs.writev(1, [Buffer.from('later\\n')], (_, count) => done(count))))
    await new Promise((done) => createWriteStream('', { fd: 1, autoClose: false }).end('streamed\\n', done))
    try { writeSync(1, { no: 'text' }) } catch (error) { results.push(error.code) }
    return results
  }`
  const task = taskFor(await project.write('descriptors.mjs', source))
  expect(resultOf(await executor.execute(task))).toEqual([
    9,
    6,
    8,
    4,
    3,
    9,
    'promised\n',
    6,
    'ERR_INVALID_ARG_TYPE',
  ])
  expect(texts(task)).toEqual([
    'stdout: sync 漢',
    'stderr: error',
    'stdout: options',
    'stdout: hex',
    'stdout: ab',
    'stdout: file',
    'stdout: appended',
    'stdout: promised',
    'stdout: later',
    'stdout: streamed',
  ])
})

test('each line has the time at which it was written', async () => {
  const task = taskFor(
    await project.write('time.mjs', 'export const handler = async () => { console.log(Date.now()) }'),
  )
  await executor.execute(task)
  const [line] = task.lines as [LogEntry]
  expect(Math.abs(line.time - Number(line.text))).toBeLessThan(1_000)
})

test('output of a loading module belongs to the first invocation', async () => {
  const path = await project.write(
    'init.mjs',
    'console.log("loading"); await null; console.log("loaded"); export const handler = async () => console.log("called")',
  )
  const [first, second] = [taskFor(path), taskFor(path)]
  await executor.execute(first)
  await executor.execute(second)
  expect(texts(first)).toEqual(['stdout: loading', 'stdout: loaded', 'stdout: called'])
  expect(texts(second)).toEqual(['stdout: called'])
})

test('output of an invocation’s left-over work belongs to it, not to the next invocation', async () => {
  const path = await project.write(
    'late.mjs',
    `import { BroadcastChannel } from 'node:worker_threads'
     export const handler = async ({ leave }) => {
       if (leave) {
         const channel = new BroadcastChannel('late-output')
         channel.onmessage = () => { console.log('late'); channel.postMessage('written'); channel.close() }
         channel.unref()
         console.log('first')
         return
       }
       const own = new BroadcastChannel('late-output')
       const written = new Promise((resolve) => { own.onmessage = ({ data }) => { if (data === 'written') resolve() } })
       own.postMessage('write now')
       await written
       own.close()
       console.log('second')
     }`,
  )
  const [first, second] = [taskFor(path, { leave: true }), taskFor(path)]
  await executor.execute(first)
  await executor.execute(second)
  expect(texts(second)).toEqual(['stdout: second'])
  expect(texts(first)).toEqual(['stdout: first', 'stdout: late'])
})

test('a line of 8 MB, 100,000 lines, and lines after them: nothing is lost and capture goes on', async () => {
  const source = `export const handler = async () => {
    console.log('x'.repeat(8 * 1024 * 1024))
    for (let i = 0; i < 100_000; i++) console.log(i)
    console.log('end')
  }`
  const path = await project.write('huge.mjs', source)
  const task = taskFor(path)
  await executor.execute(task)
  expect(task.lines[0]!.text).toHaveLength(8 * 1024 * 1024)
  expect(task.lines.slice(1, -1).every(({ text }, index) => text === String(index))).toBe(true)
  expect(task.lines.at(-1)!.text).toBe('end')
  expect(task.lines).toHaveLength(100_002)
  const next = taskFor(path)
  await executor.execute(next)
  expect(next.lines).toHaveLength(100_002)
})

test('lines arrive while the invocation runs, also from code that never yields again', async () => {
  const path = await project.write(
    'live.mjs',
    'export const handler = async () => { process.stdout.write("before the loop\\nno break"); for (;;); }',
  )
  const abort = new AbortController()
  const lines: string[] = []
  const onLog = (line: LogEntry) => {
    lines.push(line.text)
    abort.abort()
  }
  await expect(
    executor.execute(taskFor(path, {}, { onLog }), { signal: abort.signal }),
  ).rejects.toMatchObject({
    code: 'ABORTED',
  })
  await executor.close()
  expect(lines).toEqual(['before the loop', 'no break'])
})

test('output right before process.exit() is not lost, even if the host is busy', async () => {
  const path = await project.write(
    'last-words.mjs',
    `import { BroadcastChannel } from 'node:worker_threads'
     export const handler = async () => {
       new BroadcastChannel('last-words').postMessage('now')
       for (let i = 0; i < 500; i++) console.log('line', i)
       process.stdout.write('last words')
       process.exit(7)
     }`,
  )
  const channel = new BroadcastChannel('last-words')
  const task = taskFor(path)
  const outcome = executor.execute(task)
  channel.onmessage = () => {
    const until = Date.now() + 100
    while (Date.now() < until);
  }
  await outcome
  channel.close()
  expect(task.lines).toHaveLength(501)
  expect(task.lines.at(-1)!.text).toBe('last words')
})

test('code that replaces console or process.stdout.write only changes its own world', async () => {
  const source = `export const handler = async () => {
    const write = process.stdout.write.bind(process.stdout)
    const seen = []
    process.stdout.write = (chunk) => { seen.push(chunk); return write('seen: ' + chunk) }
    console.log('a')
    globalThis.console = { log: () => {} }
    console.log('silent')
    return seen
  }`
  expect(await output('replaced.mjs', source)).toEqual(['stdout: seen: a'])
})

test('Node’s own warnings are output of the function', async () => {
  const lines = await output(
    'warning.mjs',
    'export const handler = async () => { process.emitWarning("careful"); await new Promise(setImmediate) }',
  )
  expect(lines.join('\n')).toMatch(/^stderr: .*Warning: careful/)
})
