import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import tsup from '../../tsup.config.js'
import typedoc from '../../typedoc.json' with { type: 'json' }

test('every public subpath is built, and its docstrings are checked', () => {
  const targets = Object.values(manifest.exports).filter((target) => typeof target !== 'string')
  const modules = targets.map((target) => target.default.replace('./dist/', '').replace(/\.js$/, '')).sort()
  const { entry } = tsup as { entry: Record<string, string> }
  expect(Object.keys(entry).sort()).toEqual(modules)
  expect(Object.values(entry).sort()).toEqual([...typedoc.entryPoints].sort())
  expect(modules.length).toBeGreaterThan(10)
})
