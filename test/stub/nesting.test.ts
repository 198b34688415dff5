import { describe, expect, it } from 'vitest'
import { toThrown } from '../../src/core/base/errors.js'
import type { LambdaError } from '../../src/index.js'
import { copyWithin } from '../../src/stub/wrap/mirror-copy.js'
import { nestedArrays, nestedObjects } from '../support/nested.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

describe('5,000 nested arrays', () => {
  it.each([
    ['arrays', nestedArrays(5_000)],
    ['objects', nestedObjects(5_000)],
  ])('of %s in an event are an error with a name', async (_kind, event) => {
    await using tether = new Tether()
    const stub = tether.stub()
    const thrown = await Promise.resolve(stub({ event }, stubContext())).catch((error: unknown) => error)
    expect(thrown).toMatchObject({
      code: 'TOO_LARGE',
      name: 'LambdaTether.TOO_LARGE',
      message: expect.stringContaining('The event cannot be written as JSON: it is nested too deeply'),
    })
  })

  it('in an event that is mirrored are mirrored without their body', () => {
    expect(copyWithin(nestedArrays(5_000), 100_000)).toBeUndefined()
  })

  it('of causes in an error of local code end after a few', () => {
    let error: LambdaError = { errorType: 'Error', errorMessage: 'the last', trace: ['Error'] }
    for (let at = 0; at < 100_000; at += 1) error = { ...error, errorMessage: `${at}`, cause: error }
    const thrown = toThrown(error)
    let causes = 0
    for (let at = thrown as Error; at.cause !== undefined; at = at.cause as Error) causes += 1
    expect(causes).toBeGreaterThan(3)
    expect(causes).toBeLessThan(20)
  })
})
