import { expect, test } from 'vitest'
import { toLambdaError } from '../../src/core/base/errors.js'
import { errorAnswer } from '../../src/executors/runtime-api/answer.js'
import { atLambdasPace, type ResponseBytes } from '../../src/local/lambda/streaming/bandwidth.js'
import { ManualClock, settle } from '../support/manual-clock.js'

const MIB = 1024 * 1024

async function* chunks(count: number, bytes: number, error?: Error): ResponseBytes {
  const chunk = new Uint8Array(bytes)
  for (let index = 0; index < count; index++) yield chunk
  return error && errorAnswer(toLambdaError(error))
}

/** Reads as fast as it may, and counts. */
function reading(bytes: ResponseBytes) {
  const read = { bytes: 0, end: undefined as unknown }
  void (async () => {
    for (;;) {
      const step = await bytes.next()
      if (step.done) {
        read.end = step.value ?? 'end'
        return
      }
      read.bytes += step.value.byteLength
    }
  })()
  return read
}

test('6 MB pass at once, then 2 MB a second', async () => {
  const clock = new ManualClock()
  const read = reading(atLambdasPace(chunks(10, MIB), clock))
  await settle(500)
  expect(read).toEqual({ bytes: 6 * MIB, end: undefined })
  for (const bytes of [7 * MIB, 8 * MIB, 9 * MIB]) {
    await clock.advance(500)
    expect(Math.abs(read.bytes - bytes)).toBeLessThanOrEqual(32 * 1024)
  }
  await clock.advance(600)
  expect(read).toEqual({ bytes: 10 * MIB, end: 'end' })
})

test('a response beyond 200 MB is an error', async () => {
  // At a rate of its own, so that the bytes need no time.
  const clock = { now: () => (at += 1000), schedule: () => () => {} }
  let at = 0
  const exact = reading(atLambdasPace(chunks(200, MIB), clock))
  await expect.poll(() => exact.end).toBe('end')
  const over = reading(atLambdasPace(chunks(201, MIB), clock))
  await expect.poll(() => over.end).toMatchObject({ error: { errorType: 'Function.ResponseSizeTooLarge' } })
  expect([exact.bytes, over.bytes]).toEqual([200 * MIB, 200 * MIB])
})

test('an error of the function comes after its bytes', async () => {
  const read = reading(atLambdasPace(chunks(1, 5, new RangeError('r')), new ManualClock()))
  await settle()
  expect(read).toMatchObject({ bytes: 5, end: { error: { errorType: 'RangeError', errorMessage: 'r' } } })
})

test('a reader that leaves early has the rest drained', async () => {
  let left = 5
  async function* source(): ResponseBytes {
    for (; left > 0; left--) yield new Uint8Array(1)
    return undefined
  }
  const paced = atLambdasPace(source(), new ManualClock())
  await paced.next()
  await paced.return(undefined)
  await settle()
  expect(left).toBe(0)
})
