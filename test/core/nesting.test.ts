import { describe, expect, it } from 'vitest'
import { TetherError, toLambdaError } from '../../src/core/base/errors.js'
import { jsonText, parseJson } from '../../src/core/base/json.js'
import { nestedArrays, nestedArraysText, nestedObjects, nestedObjectsText } from '../support/nested.js'

// Deep enough for every stack: a worker's is four times that of a main thread.
const LEVELS = 100_000

describe('5,000 nested arrays', () => {
  it.each([
    ['arrays', nestedArrays(LEVELS)],
    ['objects', nestedObjects(LEVELS)],
  ])('of %s cannot be written as JSON, and the error names the value', (_kind, value) => {
    expect(() => jsonText('The event', value)).toThrow(
      expect.objectContaining({
        code: 'TOO_LARGE',
        message: expect.stringMatching(/^The event cannot be written as JSON: it is nested too deeply /),
      }),
    )
  })

  it('leave other values that JSON cannot represent to the error of JSON', () => {
    expect(() => jsonText('The event', 1n)).toThrow(TypeError)
  })

  it.each([
    ['arrays', nestedArraysText],
    ['objects', nestedObjectsText],
  ])('of %s are rejected on reading, with both numbers', (_kind, text) => {
    expect(() => parseJson('The event', text(5_000))).toThrow(
      expect.objectContaining({
        code: 'TOO_LARGE',
        message: 'The event is nested over 100 levels deep, which is the most that is taken. Flatten it.',
      }),
    )
    expect(parseJson('The event', text(100))).toEqual(JSON.parse(text(100)))
  })

  it('are not counted from brackets in a string', () => {
    const value = { a: '[{'.repeat(1_000), b: '\\"[[' }
    expect(parseJson('The event', JSON.stringify(value))).toEqual(value)
    expect(() => parseJson('The event', '{')).toThrow(SyntaxError)
  })

  it('in a thrown error are worded as in Lambda', () => {
    const deep = nestedArrays(LEVELS)
    expect(toLambdaError(deep)).toEqual({ errorType: 'object', errorMessage: '[object Array]', trace: [] })
    const error = Object.assign(new Error(), { name: deep, message: deep, stack: deep, cause: deep })
    expect(toLambdaError(error)).toEqual({
      errorType: '[object Array]',
      errorMessage: '[object Array]',
      trace: [],
      cause: { errorType: 'object', errorMessage: '[object Array]', trace: [] },
    })
    let chain: unknown
    for (let at = 0; at < LEVELS; at += 1) chain = Object.assign(new Error('one of many'), { cause: chain })
    expect(JSON.stringify(toLambdaError(chain)).match(/one of many/g)?.length).toBeLessThan(30)
    expect(toLambdaError(chain)).not.toBeInstanceOf(TetherError)
  })
})
