import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BuiltExamples, builtExamples } from './built-examples.js'

describe('examples', () => {
  let examples: BuiltExamples

  beforeAll(async () => {
    examples = await builtExamples()
  }, 120_000)

  afterAll(() => examples?.[Symbol.asyncDispose]())

  it('quickstart says so where there is no Python, and does without', { timeout: 60_000 }, async () => {
    const { stdout, stderr } = await examples.run(['examples/quickstart/demo.js', '--once'], '/nowhere')
    expect(stdout).toMatch(/^There is no python3 on the PATH: the function in Python is left out\./)
    expect(stdout).toMatch(/^second .*"Hello from the new code, demo!"/m)
    expect(stdout).not.toContain('words')
    expect(stderr).toBe('')
    expect(await examples.leftovers()).toEqual([])
  })

  it('dev-server answers every save with its own code, and closes everything', {
    timeout: 60_000,
  }, async () => {
    const { stdout, stderr } = await examples.run(['examples/dev-server/host.js', '--once'])
    expect(stdout).toContain('Every save was answered by its own code.')
    expect(stderr).toBe('')
    expect(await examples.leftovers()).toEqual([])
  })

  it('test-harness has tests that real triggers reach', { timeout: 60_000 }, async () => {
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--root', 'examples/test-harness', '--no-color']
    const { stdout } = await examples.run(vitest)
    expect(stdout).toMatch(/Tests +4 passed \(4\)/)
  })

  it('custom-transport passes the suite and carries a large invocation', { timeout: 60_000 }, async () => {
    const { stdout } = await examples.run(['examples/custom-transport/conformance.js'])
    expect(stdout).toMatch(/^# pass 4\d$/m)
    expect(stdout).toMatch(/^# fail 0$/m)
    expect(await examples.leftovers()).toEqual([])
  })
})
