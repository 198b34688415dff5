import { posix } from 'node:path'
import { expect, test } from 'vitest'
import { referencesOf } from '../support/boundaries.js'
import { readSources } from '../support/sources.js'

/** Parts that most who use the local cloud never ask for. */
const LATER = [
  'src/local/api-gateway/web-socket-server.ts',
  'src/local/control-plane/apis.ts',
  'src/local/debug-stack/debug-stack.ts',
  'src/local/s3/endpoint.ts',
  'src/local/sqs/endpoint.ts',
]

test('the local cloud loads its larger parts when they are asked for, and not before', () => {
  const sources = readSources()
  const loaded = new Set<string>()
  const load = (file: string) => {
    if (loaded.has(file)) return
    loaded.add(file)
    for (const { specifier, kind } of referencesOf(file, sources.get(file)!)) {
      if (kind !== 'static' || !specifier.startsWith('.')) continue
      load(posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts'))
    }
  }
  load('src/local/index.ts')
  expect(loaded.has('src/local/sqs/queue.ts')).toBe(true)
  expect(LATER.filter((file) => !sources.has(file) || loaded.has(file))).toEqual([])
})
