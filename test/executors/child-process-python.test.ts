import { utimes } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { childProcesses } from '../../src/executors/child-process.js'
import type { Executor } from '../../src/index.js'
import { sourceOf } from '../../src/sources/spec.js'
import { contextOf, errorOf, projectOfFile, resultOf, type TestTask, taskFor } from './handler-project.js'

const project = await projectOfFile()
let executor: Executor

beforeEach(() => {
  executor = childProcesses()
})

afterEach(() => executor.close())

const run = async (name: string, source: string, event: unknown = {}, changes = {}) =>
  executor.execute(taskFor(await project.write(name, source), event, changes))

const texts = (task: TestTask) => task.lines.map(({ stream, text }) => `${stream}: ${text}`)

test('the context has every attribute of Lambda’s', async () => {
  const context = {
    ...contextOf('r-9'),
    clientContext: { client: { app_title: '漢' }, custom: { a: 1 }, env: { locale: 'de' } },
    identity: { cognitoIdentityId: 'x', cognitoIdentityPoolId: 'y' },
    tenantId: 't',
  }
  const source = `
def handler(event, context):
    fields = {name: value for name, value in vars(context).items() if isinstance(value, str) and not name.startswith('_')}
    client = context.client_context
    return {
        'fields': fields, 'left': context.get_remaining_time_in_millis(), 'text': repr(context)[:14],
        'client': [client.client.app_title, client.custom, client.env],
        'identity': [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
    }`
  const answer = resultOf(await run('context.py', source, {}, { context, deadline: Date.now() + 9000 })) as {
    left: number
  }
  expect(answer).toEqual({
    fields: {
      aws_request_id: 'r-9',
      function_name: 'api-dev',
      function_version: '$LATEST',
      invoked_function_arn: context.invokedFunctionArn,
      memory_limit_in_mb: '128',
      log_group_name: '/aws/lambda/api-dev',
      log_stream_name: context.logStreamName,
      tenant_id: 't',
    },
    client: ['漢', { a: 1 }, { locale: 'de' }],
    identity: ['x', 'y'],
    text: 'LambdaContext(',
    left: expect.any(Number),
  })
  expect(answer.left).toBeGreaterThan(3000)
  expect(answer.left).toBeLessThanOrEqual(9000)
})

test('without them, client context and identity are as on Lambda', async () => {
  const source = `
def handler(event, context):
    return [context.client_context, context.identity.cognito_identity_id, context.tenant_id]`
  expect(resultOf(await run('plain.py', source))).toEqual([null, null, null])
})

test.each([
  ['broken.py', 'def handler(:', 'Runtime.UserCodeSyntaxError', /Syntax error in .*broken\.py/],
  ['import.py', 'import nowhere', 'Runtime.ImportModuleError', /No module named 'nowhere'/],
  ['none.py', 'other = 1', 'Runtime.HandlerNotFound', /'handler' of .*none\.py is not there/],
  ['throws.py', 'raise KeyError("at import")', 'KeyError', /at import/],
  [
    'exits.py',
    'import sys; sys.exit("no database")',
    'Runtime.ExitError',
    /code 1 before it answered:\nno database$/,
  ],
])('%s cannot start: %s', async (name, source, errorType, message) => {
  const error = errorOf(await run(name, source))
  expect(error).toMatchObject({ errorType, errorMessage: expect.stringMatching(message) })
})

test('an error has its type, its message, its own lines alone, and its cause', async () => {
  const source = `
class Refused(Exception):
    pass

def inner():
    raise Refused('no')

def handler(event, context):
    try:
        inner()
    except Refused as error:
        raise ValueError('漢') from error`
  const error = errorOf(await run('raises.py', source))
  expect(error).toMatchObject({
    errorType: 'ValueError',
    errorMessage: '漢',
    cause: { errorType: 'Refused', errorMessage: 'no' },
  })
  expect(error.trace).toEqual([
    'Traceback (most recent call last):',
    `  File "${project.folder}/raises.py", line 12, in handler`,
    "    raise ValueError('漢') from error",
    'ValueError: 漢',
  ])
})

test.each([
  ['not-a-number.py', "float('nan')", /not JSON compliant/],
  ['object.py', 'object()', /object is not JSON serializable/],
])('%s cannot be an answer, and the error says so', async (name, value, message) => {
  const error = errorOf(await run(name, `def handler(event, context):\n    return ${value}`))
  expect(error).toMatchObject({
    errorType: 'Runtime.MarshalError',
    errorMessage: expect.stringMatching(message),
  })
})

test('numbers of DynamoDB and any text can be an answer', async () => {
  const source = `
from decimal import Decimal
def handler(event, context):
    return [Decimal('1'), Decimal('1.5'), '漢', '\\ud800', None]`
  expect(resultOf(await run('values.py', source))).toEqual([1, 1.5, '漢', '\ud800', null])
})

test('logging writes as far as the root logger’s level allows, as on Lambda', async () => {
  const path = await project.write(
    'logs.py',
    `
import logging, sys
logging.getLogger().setLevel(logging.INFO)
def handler(event, context):
    logging.debug('hidden')
    logging.getLogger('mine').info('shown %s', 1)
    print('printed', file=sys.stderr)
    print('no line break', end='')`,
  )
  const task = taskFor(path)
  await executor.execute(task)
  expect(texts(task)).toEqual(['stdout: [INFO] shown 1', 'stderr: printed', 'stdout: no line break'])
})

test('output to the file descriptor and of started programs is in the invocation’s log', async () => {
  const path = await project.write(
    'descriptor.py',
    `
import os, subprocess, sys
def handler(event, context):
    os.write(1, b'past the stream\\n')
    subprocess.run([sys.executable, '-c', 'print("by another program")'])`,
  )
  const task = taskFor(path)
  await executor.execute(task)
  expect(texts(task)).toEqual(['stdout: past the stream', 'stdout: by another program'])
})

test('sys.exit is answered after the atexit handlers, without waiting for threads', async () => {
  const path = await project.write(
    'exits-late.py',
    `
import atexit, sys, threading, time
atexit.register(lambda: print('at exit'))
def handler(event, context):
    threading.Thread(target=time.sleep, args=(600,)).start()
    sys.exit(3)`,
  )
  const task = taskFor(path)
  expect(errorOf(await executor.execute(task)).errorMessage).toContain('exited with code 3')
  expect(texts(task)).toEqual(['stdout: at exit'])
})

test('a module finds its neighbours, its package and the working directory, and may be called like one of Python’s own', async () => {
  await project.write('package/__init__.py', 'name = "package"')
  await project.write('package/shared.py', 'value = 1')
  await project.write('package/deep/__init__.py', '')
  const path = await project.write(
    'package/deep/json.py',
    `
import os, sys
from .. import name
from ..shared import value
import package.shared
def handler(event, context):
    return [name, value, package.shared.value, __name__, os.getcwd() in sys.path, sys.path[0]]`,
  )
  const expected = ['package', 1, 1, 'package.deep.json', true, project.folder]
  expect(resultOf(await executor.execute(taskFor(path)))).toEqual(expected)
  await project.write('beside.py', 'value = 2')
  const plain = await run('json.py', 'import beside\ndef handler(event, context):\n    return beside.value')
  expect(resultOf(plain)).toBe(2)
})

test('a target names a Python function, and a second save in the same second is not missed', async () => {
  const name = 'target.py'
  const version = (n: number) => `def get(event, context):\n    return ${n}`
  const path = await project.write(name, version(1))
  const source = sourceOf(`./${name}#get`, { cwd: project.folder })
  const time = new Date(Date.now() - 5000)
  for (const n of [1, 2, 3]) {
    await project.write(name, version(n))
    await utimes(path, time, time)
    const build = await source.load()
    await executor.reload('api', build)
    expect(resultOf(await executor.execute(taskFor('', {}, { build })))).toBe(n)
  }
  await source.close?.()
})

test('a process that multiprocessing starts runs its own work and no second runtime', async () => {
  const source = `
import multiprocessing, os

def work(queue):
    queue.put(os.getpid())

def handler(event, context):
    spawn = multiprocessing.get_context('spawn')
    queue = spawn.SimpleQueue()
    process = spawn.Process(target=work, args=(queue,))
    process.start()
    other = queue.get()
    process.join()
    return [other != os.getpid(), process.exitcode]`
  expect(resultOf(await run('parallel.py', source))).toEqual([true, 0])
})

test('without Python the error names the missing program', async () => {
  await using none = childProcesses({ python: 'python-of-nowhere' })
  const path = await project.write('none-there.py', 'def handler(event, context): pass')
  expect(errorOf(await none.execute(taskFor(path)))).toMatchObject({
    errorType: 'Runtime.InvalidEntrypoint',
    errorMessage: expect.stringMatching(/'python-of-nowhere' could not be started: .*ENOENT/),
  })
})
