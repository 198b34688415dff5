import type { Clock } from '../../../core/base/clock.js'
import { delay } from '../../../core/base/delay.js'
import { errorAnswer, type RuntimeError } from '../../../executors/runtime-api/answer.js'
import { Throughput } from '../../iot/rate.js'

/** A response's bytes; the generator returns the function's error, if it failed. */
export type ResponseBytes = AsyncGenerator<Uint8Array, RuntimeError | undefined, undefined>

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
/** Limit of one streamed response, in bytes. */
const MAX_STREAM_BYTES = 200 * 1024 * 1024
/** Bytes that pass at full speed. */
const BURST_BYTES = 6 * 1024 * 1024
/** Bytes per second after the burst. */
const BYTES_PER_SECOND = 2 * 1024 * 1024
/** Bytes per step, so that the data after the burst flows evenly; as in Lambda's own emulator. */
const PIECE_BYTES = 32 * 1024

/**
 * Limits a response to Lambda's speed and size. As in Lambda's own emulator, the burst refills while less than the rate
 * is used.
 */
export async function* atLambdasPace(bytes: ResponseBytes, clock: Clock): ResponseBytes {
  const throughput = new Throughput(BYTES_PER_SECOND, BURST_BYTES)
  let total = 0
  try {
    for (;;) {
      const step = await bytes.next()
      if (step.done) return step.value
      for (let from = 0; from < step.value.byteLength; from += PIECE_BYTES) {
        const piece = step.value.subarray(from, from + PIECE_BYTES).subarray(0, MAX_STREAM_BYTES - total)
        total += piece.byteLength
        const now = clock.now()
        const due = throughput.due(piece.byteLength, now)
        if (due > now) await delay(due - now, { clock })
        if (piece.byteLength > 0) yield piece
        if (piece.byteLength < Math.min(PIECE_BYTES, step.value.byteLength - from)) return tooLarge(total)
      }
    }
  } finally {
    // Reached early if the reader leaves, which must not stop the function.
    void drained(bytes)
  }
}

/** Reads a response to its end; keeps its bytes up to Lambda's limit for unstreamed responses. */
export async function collected(
  bytes: ResponseBytes,
  maxBytes: number,
): Promise<{ readonly body: Uint8Array; readonly bytes: number; readonly error: RuntimeError | undefined }> {
  const kept: Uint8Array[] = []
  let size = 0
  for (;;) {
    const step = await bytes.next()
    if (step.done) return { body: Buffer.concat(kept), bytes: size, error: step.value }
    size += step.value.byteLength
    if (size <= maxBytes) kept.push(step.value)
    else kept.length = 0
  }
}

async function drained(bytes: ResponseBytes): Promise<void> {
  while (!(await bytes.next()).done);
}

function tooLarge(bytes: number): RuntimeError {
  return errorAnswer({
    errorType: 'Function.ResponseSizeTooLarge',
    errorMessage: `Response payload size exceeded maximum allowed payload size (${bytes} bytes).`,
    trace: [],
  })
}
