import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parseTarget } from '../../src/sources/target.js'
import { handlerProject } from '../executors/handler-project.js'

const project = await handlerProject({
  'src/api.ts': '',
  'src/jobs.js': '',
  'src/jobs.mjs': '',
  'src/jobs.cjs': '',
  'src/old.cjs': '',
  'src/orders/worker.py': '',
  'src/both.ts': '',
  'src/both.py': '',
  'index.js': '',
  'a.folder/api.mjs': '',
})
afterAll(() => project[Symbol.asyncDispose]())

test.each([
  ['src/api.handler', 'src/api.ts', 'handler'],
  ['./src/api.handler', 'src/api.ts', 'handler'],
  ['index.handler', 'index.js', 'handler'],
  ['src/old.routes.get', 'src/old.cjs', 'routes.get'],
  ['a.folder/api.handler', 'a.folder/api.mjs', 'handler'],
  ['src/orders/worker.main', 'src/orders/worker.py', 'main'],
  ['src.orders.worker.main', 'src/orders/worker.py', 'main'],
  ['./src.orders.worker.main', 'src/orders/worker.py', 'main'],
])('%s is %s', (text, path, exportName) => {
  expect(parseTarget(text, project.folder)).toEqual({ path: join(project.folder, path), exportName })
})

test.each([
  [
    'src/jobs.handler',
    "'target' 'src/jobs.handler' may mean src/jobs.js, src/jobs.mjs, src/jobs.cjs; name the one",
  ],
  [
    'src/both.handler',
    "may mean src/both.ts, src/both.py; name the one that is meant, as in 'src/both.ts#handler'.",
  ],
  [
    'src/none.handler',
    /names no module: none of src\/none\.js, src\/none\.mjs, src\/none\.cjs, src\/none\.ts, .*\.py is a file/,
  ],
])('%s is refused, naming the files', (text, message) => {
  const parse = () => parseTarget(text, project.folder)
  expect(parse).toThrow(message)
  expect(parse).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})
