import { describe, expect, test } from 'vitest'
import type { FunctionDefinition } from '../../src/local/index.js'
import { event, folder, json, lambdaHost } from './lambda-fixture.js'

async function python(files: Readonly<Record<string, string>>, definition: Partial<FunctionDefinition> = {}) {
  const host = lambdaHost()
  const bundle = await folder(files)
  const fn = host.function({
    name: 'fn',
    bundle,
    runtime: 'python3.12',
    handler: 'app.handler',
    // A start that fails is made again in the invocation's own time, and Python takes its time on a busy machine.
    timeoutMs: 15_000,
    ...definition,
  })
  return { host, fn }
}

describe('a Python function', () => {
  test('runs with the environment, the context and the log of Lambda', async () => {
    const { host, fn } = await python(
      {
        'app.py': `
import logging, os, sys
logging.getLogger().setLevel("INFO")
def handler(event, context):
    logging.info("seen %s", event["x"])
    return {
        "got": event,
        "mine": os.environ["MINE"],
        "execution": os.environ["AWS_EXECUTION_ENV"],
        "name": context.function_name,
        "version": context.function_version,
        "memory": context.memory_limit_in_mb,
        "arn": context.invoked_function_arn,
        "left": 0 < context.get_remaining_time_in_millis() <= 5000,
        "first": sys.path[0] == os.environ["LAMBDA_TASK_ROOT"] == os.getcwd(),
    }
`,
      },
      { environment: { MINE: 'y' }, timeoutMs: 5000 },
    )
    const logged = event(host, 'log')
    const result = await fn.invoke({ x: '漢' })
    expect(json(result)).toEqual({
      got: { x: '漢' },
      mine: 'y',
      execution: 'AWS_Lambda_python3.12',
      name: 'fn',
      version: '$LATEST',
      memory: '128',
      arn: fn.arn,
      left: true,
      first: true,
    })
    expect(await logged).toMatchObject({ text: '[INFO] seen 漢', requestId: result.requestId })
  })

  test.each([
    ['lib/app.handler', { 'lib/app.py': 'def handler(e, c): return __name__' }],
    [
      'lib.app.handler',
      {
        'lib/__init__.py': '',
        'lib/app.py': 'from . import other\ndef handler(e, c): return __name__',
        'lib/other.py': '',
      },
    ],
  ])('is found as %s', async (handler, files) => {
    const { fn } = await python(files, { handler })
    expect(json(await fn.invoke())).toBe('lib.app')
  })

  test('finds the modules of its layers', async () => {
    const layer = await folder({ 'python/shared.py': 'WORD = "from a layer"' })
    const { fn } = await python(
      { 'app.py': 'import shared\ndef handler(e, c): return shared.WORD' },
      { layers: [layer] },
    )
    expect(json(await fn.invoke())).toBe('from a layer')
  })

  test.each([
    ['raises', 'def handler(e, c): raise ValueError("no")', { errorType: 'ValueError', errorMessage: 'no' }],
    ['is not there', 'other = 1', { errorType: 'Runtime.HandlerNotFound' }],
    ['imports what is missing', 'import not_there', { errorType: 'Runtime.ImportModuleError' }],
    ['is no Python', 'def', { errorType: 'Runtime.UserCodeSyntaxError' }],
    ['exits', 'import sys\ndef handler(e, c): sys.exit(3)', { errorType: 'Runtime.ExitError' }],
  ])('that %s fails as on Lambda', async (_, code, expected) => {
    const { fn } = await python({ 'app.py': code })
    const result = await fn.invoke()
    expect(result.functionError).toBe('Unhandled')
    expect(json(result)).toMatchObject(expected)
  })

  test('from a single file is put where its handler says', async () => {
    const path = await folder({ 'bundle.py': 'def handler(e, c): return __file__' })
    const { fn } = await python({}, { bundle: `${path}/bundle.py`, handler: 'src/app.handler' })
    expect(json(await fn.invoke())).toMatch(/\/src\/app\.py$/)
  })
})
