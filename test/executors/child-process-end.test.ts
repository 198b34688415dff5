import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { setImmediate as immediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { childProcesses } from '../../src/executors/child-process.js'
import type { Executor } from '../../src/index.js'
import { eventually } from '../support/eventually.js'
import { errorOf, projectOfFile, resultOf, taskFor } from './handler-project.js'

const project = await projectOfFile()
let executor: Executor

beforeEach(() => {
  executor = childProcesses()
})

afterEach(() => executor.close())

const languages = [
  {
    name: 'Node',
    file: 'ends.mjs',
    source: `import { appendFileSync } from 'node:fs'
export const handler = async ({ seen, end }) => {
  appendFileSync(seen, end ?? 'once')
  if (end === 'exit') process.exit(3)
  if (end === 'kill') process.kill(process.pid, 'SIGKILL')
  if (end) await new Promise(() => setInterval(() => {}, 1000))
  return 'answered'
}`,
  },
  {
    name: 'Python',
    file: 'ends.py',
    source: `import os, signal, sys
def handler(event, context):
    with open(event['seen'], 'a') as file:
        file.write(event.get('end', 'once'))
    if event.get('end') == 'exit': os._exit(3)
    if event.get('end') == 'kill': os.kill(os.getpid(), signal.SIGKILL)
    return 'answered'
`,
  },
] as const

test.each(
  languages.flatMap((language) => [
    { ...language, end: 'exit', message: /exited with code 3/ },
    { ...language, end: 'kill', message: /SIGKILL/ },
  ]),
)(
  '$name: the second invocation of a process, which ends it ($end), runs once and is an error',
  async ({ file, source, end, message }) => {
    const path = await project.write(file, source)
    const seen = `${path}.${end}`
    expect(resultOf(await executor.execute(taskFor(path, { seen })))).toBe('answered')
    const ended = errorOf(await executor.execute(taskFor(path, { seen, end })))
    expect(ended.errorMessage).toMatch(message)
    expect(await readFile(seen, 'utf8')).toBe(`once${end}`)
  },
)

test('an invocation that a process was sent and never began runs in the next', async () => {
  // What the first leaves behind keeps its process from reading anything, and then ends it.
  const source = `import { existsSync, writeFileSync } from 'node:fs'
let calls = 0
export const handler = async ({ busy, end }) => {
  if (busy) setTimeout(() => {
    writeFileSync(busy, '')
    while (!existsSync(end));
    process.exit(1)
  }, 50)
  return ++calls
}`
  const path = await project.write('late.mjs', source)
  const [busy, end] = [`${path}.busy`, `${path}.end`]
  expect(resultOf(await executor.execute(taskFor(path, { busy, end })))).toBe(1)
  await eventually(() => expect(existsSync(busy)).toBe(true))
  const second = executor.execute(taskFor(path))
  await immediate()
  await writeFile(end, '')
  expect(resultOf(await second)).toBe(1)
})
