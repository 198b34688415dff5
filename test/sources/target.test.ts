import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { parseTarget } from '../../src/sources/target.js'

test.each([
  ['./src/api.ts#handler', '/app/src/api.ts', 'handler'],
  ['./src/api.ts', '/app/src/api.ts', 'handler'],
  ['src/api.mjs#get', '/app/src/api.mjs', 'get'],
  ['/else/where.cjs#app.handler', '/else/where.cjs', 'app.handler'],
  ['./#1/api.ts', '/app/#1/api.ts', 'handler'],
  ['./a.b#c/api.tsx#$_ünï', '/app/a.b#c/api.tsx', '$_ünï'],
  ['./x.d#abc.mjs', '/app/x.d#abc.mjs', 'handler'],
  ['./src/api.py#lambda_handler', '/app/src/api.py', 'lambda_handler'],
  ['./my folder/api.js#default', '/app/my folder/api.js', 'default'],
])('%s', (text, path, exportName) => {
  expect(parseTarget(text, '/app')).toEqual({ path, exportName })
})

test('a file: URL is a path with nothing to take apart', () => {
  const path = join('/a b', 'c#d', 'api.mjs')
  expect(parseTarget(pathToFileURL(path))).toEqual({ path, exportName: 'handler' })
})

test.each(['', './api.ts#', undefined, 5, new URL('https://example.com/api.ts')])('%j is refused', (text) => {
  expect(() => parseTarget(text as string)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})
