import { expect, test } from 'vitest'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import { childProcesses } from '../../src/executors/child-process.js'
import { command } from '../../src/sources/command.js'
import { createStub } from '../../src/stub/handler.js'
import { stubKey } from '../../src/stub/key.js'
import { memory } from '../../src/transports/memory.js'
import { stubContext } from '../support/stub-context.js'
import { handlerProject } from './handler-project.js'

test('one session serves TypeScript, Python and a program, each invocation with its own lines', async () => {
  await using project = await handlerProject({
    'api.ts': 'export const handler = async ({ n }: { n: number }) => { console.log("typed"); return n + 1 }',
    'report.py': `
import os
def get(event, context):
    print('{"level":"WARNING","message":"python"}')
    if event['n'] < 0:
        raise ValueError('negative')
    return [event['n'] + 2, os.environ['TABLE'], context.aws_request_id]`,
    'bootstrap.sh': `
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  event=$(curl -sS -D headers "$api/next")
  id=$(grep -i request-id headers | cut -d: -f2 | tr -d '[:space:]')
  echo "shell $event"
  curl -sS -o /dev/null -d "$event" "$api/$id/response"
done`,
  })
  const names = { app: 'shop', stage: 'dev' }
  const [root, transport] = [generateKey(), memory()]
  await using session = createSession({ ...names, key: root, transport })
  const lines: unknown[] = []
  session.on('log', ({ text, level, functionId, requestId }) =>
    lines.push([functionId, requestId, text, level]),
  )
  session.serve({
    executor: childProcesses(),
    functions: {
      api: `${project.folder}/api.ts#handler`,
      report: `${project.folder}/report.py#get`,
      shell: command(['bash', './bootstrap.sh'], { cwd: project.folder }),
    },
  })
  await session.open()
  const call = async (functionId: string, awsRequestId: string, event: unknown) => {
    const key = stubKey({ ...names, key: root, functionId })
    const stub = createStub({ ...names, key, transport, functionId, env: { TABLE: 'orders' } })
    try {
      return await stub(event, stubContext({ awsRequestId }))
    } finally {
      await stub.close()
    }
  }
  expect(await call('api', 'r-1', { n: 1 })).toBe(2)
  expect(await call('report', 'r-2', { n: 1 })).toEqual([3, 'orders', 'r-2'])
  expect(await call('shell', 'r-3', { n: 1 })).toEqual({ n: 1 })
  await expect(call('report', 'r-4', { n: -1 })).rejects.toMatchObject({
    name: 'ValueError',
    message: 'negative',
    stack: expect.stringMatching(/report\.py", line 6, in get/),
  })
  expect(lines).toEqual([
    ['api', 'r-1', 'typed', undefined],
    ['report', 'r-2', '{"level":"WARNING","message":"python"}', 'warn'],
    ['shell', 'r-3', 'shell {"n":1}', undefined],
    ['report', 'r-4', '{"level":"WARNING","message":"python"}', 'warn'],
  ])
})
