import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { collectedAnswer } from '../../src/core/payload/collected-stream.js'
import { childProcesses } from '../../src/executors/child-process.js'
import type { Executor, Task } from '../../src/index.js'
import { command } from '../../src/sources/command.js'
import { ManualClock } from '../support/manual-clock.js'
import { contextOf, errorOf, resultOf, type TestTask, taskFor } from './handler-project.js'
import { goneSoon } from './process-state.js'

let folder: string
let executor: Executor

beforeAll(async () => {
  // AWS's own bootstrap does not quote its task root: no space in this path.
  folder = await mkdtemp(join(tmpdir(), 'lambda-tether-command-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

beforeEach(() => {
  executor = childProcesses()
})

afterEach(() => executor.close())

const program = (
  words: readonly string[],
  handler = 'handler',
  changes: Partial<Task> = {},
  event: unknown = {},
) => taskFor('', event, { build: { kind: 'command', command: words, cwd: folder, handler }, ...changes })

/** A custom runtime in Node: `call` asks the Runtime API; `next` gets an event, `answer` sends one back. */
async function runtime(name: string, body: string): Promise<string[]> {
  const prelude = `
    const base = 'http://' + process.env.AWS_LAMBDA_RUNTIME_API + '/2018-06-01/runtime/'
    const call = (path, body, headers = {}) => fetch(base + path, body === undefined ? {} : { method: 'POST', body, headers, duplex: 'half' })
    const next = async () => {
      const response = await call('invocation/next')
      return { id: response.headers.get('lambda-runtime-aws-request-id'), headers: response.headers, event: await response.json() }
    }
    const answer = (id, body, headers) => call('invocation/' + id + '/response', body, headers)
  `
  await writeFile(join(folder, name), prelude + body)
  return [process.execPath, name]
}

const texts = (task: TestTask) => task.lines.map(({ stream, text }) => `${stream}: ${text}`)

// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-walkthrough.html, word for word.
const AWS_BOOTSTRAP = `#!/bin/sh

set -euo pipefail

# Initialization - load function handler
source $LAMBDA_TASK_ROOT/"$(echo $_HANDLER | cut -d. -f1).sh"

# Processing
while true
do
  HEADERS="$(mktemp)"
  # Get an event. The HTTP request will block until one is received
  EVENT_DATA=$(curl -sS -LD "$HEADERS" "http://\${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")

  # Extract request ID by scraping response headers received above
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)

  # Run the handler function from the script
  RESPONSE=$($(echo "$_HANDLER" | cut -d. -f2) "$EVENT_DATA")

  # Send the response
  curl "http://\${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response"  -d "$RESPONSE"
done
`
const AWS_FUNCTION = `function handler () {
  EVENT_DATA=$1
  echo "$EVENT_DATA" 1>&2;
  RESPONSE="Echoing request: '$EVENT_DATA'"

  echo $RESPONSE
}
`

test('the custom runtime of AWS’s documentation works unmodified; its non-JSON answer becomes a text', async () => {
  await writeFile(join(folder, 'bootstrap'), AWS_BOOTSTRAP)
  await writeFile(join(folder, 'function.sh'), AWS_FUNCTION)
  for (const n of [1, 2, 3]) {
    const task = program(['bash', './bootstrap'], 'function.handler', {}, { n })
    expect(resultOf(await executor.execute(task))).toBe(`Echoing request: '{"n":${n}}'`)
    expect(task.lines).toContainEqual(expect.objectContaining({ stream: 'stderr', text: `{"n":${n}}` }))
  }
})

test('with secretPath the same runtime alone reaches its Runtime API', async () => {
  await writeFile(join(folder, 'bootstrap'), AWS_BOOTSTRAP)
  await writeFile(join(folder, 'where.sh'), 'function handler () { echo "$AWS_LAMBDA_RUNTIME_API"; }')
  const words = ['bash', './bootstrap'] as const
  const build = await command(words, { cwd: folder, handler: 'where.handler', secretPath: true }).load()
  const api = resultOf(await executor.execute(taskFor('', {}, { build })))
  expect(api).toMatch(/^127\.0\.0\.1:\d+\/[0-9a-f-]{36}$/)
  const [host] = String(api).split('/')
  expect((await fetch(`http://${host}/2018-06-01/runtime/invocation/next`)).status).toBe(404)
})

describe('a runtime of any kind', () => {
  test('has the variables of Lambda’s runtimes, and only PATH and HOME of the host', async () => {
    const words = await runtime(
      'environment.mjs',
      'for (;;) { const { id } = await next(); await answer(id, JSON.stringify({ env: process.env, cwd: process.cwd() })) }',
    )
    const { env, cwd } = resultOf(
      await executor.execute(
        program(words, 'my.handler', { env: { MINE: '1', AWS_LAMBDA_FUNCTION_NAME: 'own' } }),
      ),
    ) as { env: Record<string, string>; cwd: string }
    const { AWS_LAMBDA_RUNTIME_API: api, ...others } = env
    expect(api).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(cwd).toBe(folder)
    expect(others).toEqual({
      MINE: '1',
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      _HANDLER: 'my.handler',
      LAMBDA_TASK_ROOT: folder,
      AWS_LAMBDA_FUNCTION_NAME: 'own',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/api-dev',
      AWS_LAMBDA_LOG_STREAM_NAME: contextOf('').logStreamName,
    })
  })

  test('gets every header', async () => {
    const words = await runtime(
      'headers.mjs',
      'for (;;) { const { id, headers } = await next(); await answer(id, JSON.stringify(Object.fromEntries(headers))) }',
    )
    const context = {
      ...contextOf('r-1'),
      traceId: 'Root=1',
      clientContext: { a: '漢' },
      identity: {},
      tenantId: 't',
    }
    const deadline = Date.now() + 9000
    const headers = resultOf(await executor.execute(program(words, 'h', { context, deadline })))
    expect(headers).toMatchObject({
      'lambda-runtime-aws-request-id': 'r-1',
      'lambda-runtime-invoked-function-arn': context.invokedFunctionArn,
      'lambda-runtime-trace-id': 'Root=1',
      'lambda-runtime-client-context': '{"a":"\\u6f22"}',
      'lambda-runtime-cognito-identity': '{}',
      'lambda-runtime-aws-tenant-id': 't',
    })
    const told = Number((headers as Record<string, string>)['lambda-runtime-deadline-ms'])
    expect(Math.abs(told - deadline)).toBeLessThan(1_000)
  })

  test.each([
    ['nothing', "''", null],
    ['a text', "'no JSON'", 'no JSON'],
    ['JSON', `'{"a":1}'`, { a: 1 }],
  ])('may answer %s', async (name, expression, expected) => {
    const words = await runtime(
      `answers ${name}.mjs`,
      `for (;;) { const { id } = await next(); await answer(id, ${expression}) }`,
    )
    expect(resultOf(await executor.execute(program(words)))).toEqual(expected)
  })

  test('may stream: a response with a prelude is collected into the object that a buffered function returns', async () => {
    const words = await runtime(
      'streams.mjs',
      `for (;;) {
        const { id, event } = await next()
        const prelude = JSON.stringify({ statusCode: 201, headers: { a: 'b' } }) + '\\0'.repeat(8)
        const parts = event.binary ? [prelude, Buffer.from([255, 0, 1])] : [prelude, 'h', 'i']
        const body = new ReadableStream({ start(controller) { for (const part of parts) controller.enqueue(Buffer.from(part)); controller.close() } })
        await answer(id, body, {
          'Lambda-Runtime-Function-Response-Mode': 'streaming',
          'Content-Type': 'application/vnd.awslambda.http-integration-response',
        })
      }`,
    )
    const head = { statusCode: 201, headers: { a: 'b' } }
    const collected = async (event: unknown) =>
      resultOf(await collectedAnswer(await executor.execute(program(words, 'handler', {}, event))))
    expect(await collected({})).toEqual({
      ...head,
      body: 'hi',
      isBase64Encoded: false,
    })
    expect(await collected({ binary: true })).toEqual({ ...head, body: '/wAB', isBase64Encoded: true })
  })

  test('may report an error, as Lambda words it or not', async () => {
    const words = await runtime(
      'errors.mjs',
      `for (;;) {
        const { id, event } = await next()
        await call('invocation/' + id + '/error', event.body, { 'Lambda-Runtime-Function-Error-Type': 'Runtime.Mine' })
      }`,
    )
    const worded = { errorType: 'TypeError', errorMessage: 'no', stackTrace: ['a', 'b'] }
    const call = (body: string) => executor.execute(program(words, 'handler', {}, { body }))
    expect(errorOf(await call(JSON.stringify(worded)))).toEqual({
      errorType: 'TypeError',
      errorMessage: 'no',
      trace: ['a', 'b'],
    })
    expect(errorOf(await call('plain'))).toEqual({
      errorType: 'Runtime.Mine',
      errorMessage: 'plain',
      trace: [],
    })
  })

  test('reports its init error, with its output as log lines', async () => {
    const words = await runtime(
      'fails.mjs',
      `console.error('looking'); await call('init/error', JSON.stringify({ errorType: 'Runtime.NoConfig', errorMessage: 'no config' }))`,
    )
    const task = program(words)
    expect(errorOf(await executor.execute(task))).toMatchObject({
      errorType: 'Runtime.NoConfig',
      errorMessage: 'no config',
    })
    expect(texts(task)).toEqual(['stderr: looking'])
  })

  test('that ends before its first invocation is reported with its last output', async () => {
    const task = program(['bash', '-c', 'echo no licence >&2; exit 4'])
    expect(errorOf(await executor.execute(task))).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(/exited with code 4 before it answered:\nno licence$/),
    })
  })

  test.each([[['./nowhere']], [['nowhere-on-the-path']]])('that is not there: %j', async (words) => {
    expect(errorOf(await executor.execute(program(words)))).toMatchObject({
      errorType: 'Runtime.InvalidEntrypoint',
      errorMessage: expect.stringContaining(`'${words[0]}' could not be started`),
    })
  })

  test('may end after each invocation, which costs the next a start and no error', async () => {
    const words = await runtime(
      'once.mjs',
      'const { id } = await next(); await answer(id, String(process.pid))',
    )
    const first = resultOf(await executor.execute(program(words))) as number
    await goneSoon(first)
    expect(resultOf(await executor.execute(program(words)))).not.toBe(first)
  })

  test('may answer with its last breath', async () => {
    const words = await runtime(
      'last.mjs',
      `const { connect } = await import('node:net')
      const { id } = await next()
      const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
      const body = JSON.stringify('x'.repeat(5_000_000))
      const socket = connect(port, host, () => {
        const head = 'POST /2018-06-01/runtime/invocation/' + id + '/response HTTP/1.1\\r\\nHost: ' + host + ':' + port
        socket.write(head + '\\r\\nContent-Length: ' + body.length + '\\r\\n\\r\\n' + body, () => process.kill(process.pid, 'SIGKILL'))
      })`,
    )
    expect(String(resultOf(await executor.execute(program(words)))).length).toBe(5_000_000)
  })

  test('restarts when its environment changes', async () => {
    const words = await runtime(
      'state.mjs',
      'for (let n = 1; ; n++) { const { id } = await next(); await answer(id, JSON.stringify([n, process.env.A])) }',
    )
    const call = async (A: string) =>
      resultOf(await executor.execute(program(words, 'handler', { env: { A } })))
    expect([await call('1'), await call('1'), await call('2')]).toEqual([
      [1, '1'],
      [2, '1'],
      [1, '2'],
    ])
  })

  test('has nothing that stands by, and nothing is counted that does; a reload starts the new program', async () => {
    const body = (answer: string) =>
      `for (;;) { const { id } = await next(); await answer(id, JSON.stringify('${answer}')) }`
    const [old, changed] = [await runtime('old.mjs', body('old')), await runtime('new.mjs', body('new'))]
    const clock = new ManualClock(Date.now())
    await executor.close()
    executor = childProcesses({ clock })
    const deadline = clock.now() + 15_000
    expect(resultOf(await executor.execute(program(old, 'handler', { deadline })))).toBe('old')
    // Later than any spare starts.
    await clock.advance(1_000)
    expect(executor.stats?.().api).toMatchObject({ workers: 1, spares: 0 })
    const task = program(changed, 'handler', { deadline })
    await executor.reload('api', task.build)
    expect(executor.stats?.().api).toMatchObject({ workers: 1, spares: 0, coldStarts: 1 })
    expect(resultOf(await executor.execute(task))).toBe('new')
    expect(executor.stats?.().api?.coldStarts).toBe(1)
  })

  test('ends with the processes of its group', async () => {
    const task = program(['bash', '-c', 'sleep 600 & echo $!; exit 1'])
    await executor.execute(task)
    await goneSoon(Number(task.lines[0]?.text))
  })
})

describe('as a source', () => {
  test('a program, its folder and its handler; a save of the program is a change', async () => {
    const path = join(folder, 'served')
    await writeFile(path, '#!/bin/sh\nexit 7')
    await chmod(path, 0o755)
    const source = command(['./served', 'x'], { cwd: pathToFileURL(folder), handler: 'a.b' })
    const build = await source.load()
    expect(build).toEqual({ kind: 'command', command: ['./served', 'x'], cwd: folder, handler: 'a.b' })
    expect(errorOf(await executor.execute(taskFor('', {}, { build }))).errorMessage).toContain('code 7')
    const changed = new Promise<void>((resolve) => source.watch?.(resolve))
    await writeFile(path, '#!/bin/sh\nexit 8')
    await changed
    await expect(executor.reload('api', await source.load())).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringContaining('code 8'),
    })
    expect(errorOf(await executor.execute(taskFor('', {}, { build }))).errorMessage).toContain('code 8')
    await source.close?.()
  })

  test('other files may be watched', async () => {
    await writeFile(join(folder, 'main.rb'), '1')
    const source = command(['ruby', 'main.rb'], { cwd: folder, watch: ['main.rb'] })
    await source.load()
    const changed = new Promise<void>((resolve) => source.watch?.(resolve))
    await writeFile(join(folder, 'main.rb'), '2')
    await changed
    await source.close?.()
  })

  test.each([
    [{ cwd: '/nowhere-at-all' }, /no such folder: .*nowhere-at-all/],
    [{ cwd: undefined }, /no such program: .*bootstrap-of-nobody/],
  ])('a missing folder or program is BUILD_FAILED: %j', async ({ cwd }, message) => {
    const source = command(['./bootstrap-of-nobody'], cwd === undefined ? {} : { cwd })
    await expect(source.load()).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      message: expect.stringMatching(message),
    })
    await source.close?.()
  })

  test.each([
    [[], {}, 'program'],
    ['./bootstrap', {}, 'program'],
    [['a'], { watch: 'b' }, 'watch'],
    [['a'], { handler: 1 }, 'handler'],
    [['a'], { directory: '.' }, 'directory'],
    [['a'], { cwd: 1 }, 'cwd'],
    [['a'], { cwd: new URL('https://example.com') }, 'cwd'],
  ])('%j with %j is refused by name', (words, options, name) => {
    expect(() => command(words as never, options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })
})
