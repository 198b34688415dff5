import { expect, test } from 'vitest'
import { loadFailed } from '../../src/executors/load-failure.js'
import { readLoadedFiles } from '../../src/executors/process/loaded-files.js'

const failure = (trace: string[]) => loadFailed({ errorType: 'Error', errorMessage: 'no', trace })

test.each([
  [
    'Python',
    [
      'Traceback',
      '  File "/shop/app.py", line 1, in <module>',
      '  File "/shop/util.py", line 7',
      'KeyError: 1',
    ],
    '/shop/util.py',
    7,
  ],
  [
    'Node',
    [
      'Error: no',
      '    at load (node:internal/modules:3:1)',
      '    at Object.<anonymous> (/my shop/api.cjs:4:7)',
    ],
    '/my shop/api.cjs',
    4,
  ],
  ['an ES module', ['Error: no', '    at file:///my%20shop/api.mjs:5:1'], '/my shop/api.mjs', 5],
  ['a syntax error', ['/shop/api.cjs:6', 'const', 'SyntaxError: Unexpected token'], '/shop/api.cjs', 6],
])('the place is read from the stack: %s', (_, trace, file, line) => {
  const error = failure(trace)
  expect(error).toMatchObject({ code: 'BUILD_FAILED', message: `${file}:${line}: Error: no` })
  expect(error.details).toEqual({ file, line, text: 'Error: no', errorType: 'Error', trace })
})

test('a stack without a place, or made to be slow to read, yields no place', () => {
  const traces = [
    [],
    ['Error: no'],
    ['    at file:///a%2Fb:1:1'],
    ['/'.repeat(1_000_000)],
    [`    at ${'/('.repeat(900)}`],
  ]
  for (const trace of traces) {
    expect(failure(trace)).toMatchObject({ message: 'The code could not be loaded: Error: no' })
  }
})

test('only absolute paths are accepted as loaded files', () => {
  const read = (value: unknown) => readLoadedFiles(Buffer.from(JSON.stringify(value)))
  expect(read({ files: ['/a.py', 'b.py', 5, '/c\0.py', null], since: 5, failed: 'yes' })).toEqual({
    files: ['/a.py'],
    since: 5,
    failed: false,
  })
  for (const value of [null, 5, [], {}, { files: '/a.py', since: 5 }, { files: [], since: '5' }]) {
    expect(read(value)).toBeUndefined()
  }
  expect(readLoadedFiles(Buffer.from('{'))).toBeUndefined()
})
