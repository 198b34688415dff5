import { expect, test } from 'vitest'
import { HandlerError, TetherError, toLambdaError } from '../../src/core/base/errors.js'
import { collectedAnswer } from '../../src/core/payload/collected-stream.js'
import { MAX_RESPONSE_BYTES } from '../../src/core/payload/response-limit.js'

const HTTP = 'application/vnd.awslambda.http-integration-response'

function streamed(chunks: readonly (string | Uint8Array)[], contentType?: string, error?: Error) {
  const state = { left: false }
  async function* write() {
    try {
      for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      if (error) throw error
    } finally {
      state.left = true
    }
  }
  return { outcome: { kind: 'stream', contentType, body: write() } as const, state }
}

async function collected(chunks: readonly (string | Uint8Array)[], contentType?: string): Promise<unknown> {
  const answer = await collectedAnswer(streamed(chunks, contentType).outcome)
  if (answer.kind === 'error') throw new HandlerError(answer.error)
  return JSON.parse(Buffer.from(answer.body).toString())
}

test('a stream is collected to the result of a buffered function', async () => {
  expect(await collected(['{"a":', '1}'])).toEqual({ a: 1 })
  expect(await collected(['data: 1\n\n', 'data: 2\n\n'], 'text/event-stream')).toBe('data: 1\n\ndata: 2\n\n')
  expect(await collected([])).toBeNull()
  const prelude = `{"statusCode":201,"headers":{"x":"y"}}`
  expect(await collected([prelude, new Uint8Array(8), 'made'], HTTP)).toEqual({
    statusCode: 201,
    headers: { x: 'y' },
    body: 'made',
    isBase64Encoded: false,
  })
  const binary = new Uint8Array([255, 0, 254])
  expect(await collected(['{}', new Uint8Array(8), binary], HTTP)).toEqual({
    statusCode: 200,
    body: Buffer.from(binary).toString('base64'),
    isBase64Encoded: true,
  })
})

test('an error of the handler is the answer; an external error is thrown', async () => {
  const error = { errorType: 'Oops', errorMessage: 'no', trace: [], cause: toLambdaError('why') }
  expect(await collectedAnswer(streamed(['some'], undefined, new HandlerError(error)).outcome)).toEqual({
    kind: 'error',
    error,
  })
  const aborted = new TetherError('ABORTED', 'enough')
  await expect(collectedAnswer(streamed(['some'], undefined, aborted).outcome)).rejects.toBe(aborted)
})

test('a stream of the largest size is an answer; one more byte stops it', async () => {
  const whole = `"${'x'.repeat(MAX_RESPONSE_BYTES - 2)}"`
  expect((await collectedAnswer(streamed([whole]).outcome)).kind).toBe('value')
  const { outcome, state } = streamed([whole, 'x', 'never read'])
  expect(await collectedAnswer(outcome)).toMatchObject({
    kind: 'error',
    error: {
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: expect.stringContaining('(more than 6291556 bytes)'),
    },
  })
  expect(state.left).toBe(true)
})
