import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BuiltExamples, builtExamples } from './built-examples.js'

describe('examples/quickstart', () => {
  let examples: BuiltExamples

  beforeAll(async () => {
    examples = await builtExamples()
  }, 120_000)

  afterAll(() => examples?.[Symbol.asyncDispose]())

  it('says so where there is no Python, and does without', { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await examples.run('quickstart/demo.js', '/nowhere')
    expect(stdout).toMatch(/^There is no python3 on the PATH: the function in Python is left out\./)
    expect(stdout).toMatch(/^second .*"Hello from the new code, demo!"/m)
    expect(stdout).not.toContain('words')
    expect(stderr).toBe('')
    expect(await examples.leftovers()).toEqual([])
  })
})
