import { TetherError } from '../../core/base/errors.js'

/**
 * Reads a stream to its end, but stops after `maxBytes`.
 * @throws TetherError `TOO_LARGE`, and the stream's errors
 */
export async function readBounded(
  key: string,
  stream: AsyncIterable<Uint8Array>,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new TetherError('TOO_LARGE', `${key} has more than ${maxBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}
