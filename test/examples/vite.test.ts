import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BuiltExamples, builtExamples } from './built-examples.js'

describe('examples/vite-dev-server', () => {
  let examples: BuiltExamples

  beforeAll(async () => {
    examples = await builtExamples()
  }, 120_000)

  afterAll(() => examples?.[Symbol.asyncDispose]())

  it('answers every save with its own code, and closes everything', { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await examples.run('vite-dev-server/host.js')
    expect(stdout).toContain('Every save was answered by its own code.')
    expect(stderr).toBe('')
    expect(await examples.leftovers()).toEqual([])
  })
})
