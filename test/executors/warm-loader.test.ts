import { expect, test } from 'vitest'
import { warmLoader } from '../../src/executors/entry/warm-loader.js'

// A thread would start without it, and nobody would notice but by reloads that take longer.
test('Node can import the module that warms the loader', async () => {
  await expect(warmLoader()).resolves.toBeUndefined()
})
