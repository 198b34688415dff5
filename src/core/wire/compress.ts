import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { TetherError } from '../base/errors.js'

/** A body's encoding on the wire: identity or brotli. */
export const IDENTITY = 0
export const BROTLI = 1

/** A smaller body fits one network packet with its header, and costs one metered unit of a broker either way. */
const MIN_BYTES = 1_300

// Quality 1: measured on JSON of 2 KB to 5.9 MB, as small as deflate's level 1 or smaller, up to four times as fast for
// small bodies, never notably slower. On incompressible bytes it takes 3 ms per MB.
const PARAMS = { [constants.BROTLI_PARAM_QUALITY]: 1 }
// By default zlib produces output in pieces of 16 KB, and each piece costs a large body time.
const MAX_PIECE_BYTES = 256 * 1024

/** A body in its form on the wire: compressed if that makes it smaller. */
export interface PackedBody {
  readonly encoding: typeof IDENTITY | typeof BROTLI
  readonly bytes: Uint8Array
  /** Its uncompressed length. */
  readonly bodyBytes: number
}

/** Packs a body. Done once, however often the body is sent. */
export function packBody(body: Uint8Array): PackedBody {
  const compressed = compress(body)
  return compressed === undefined
    ? { encoding: IDENTITY, bytes: body, bodyBytes: body.length }
    : { encoding: BROTLI, bytes: compressed, bodyBytes: body.length }
}

/** Compresses a body; undefined if that does not make it smaller. */
export function compress(body: Uint8Array): Buffer | undefined {
  if (body.length < MIN_BYTES) return undefined
  const chunkSize = Math.min(body.length, MAX_PIECE_BYTES)
  const compressed = brotliCompressSync(body, { params: PARAMS, chunkSize })
  return compressed.length < body.length ? compressed : undefined
}

/** Decompresses a body. @throws TetherError `TOO_LARGE` over `maxBytes`, without producing more; `PROTOCOL` */
export function decompress(compressed: Uint8Array, maxBytes: number): Buffer {
  try {
    const chunkSize = Math.min(Math.max(4 * compressed.length, MIN_BYTES), MAX_PIECE_BYTES)
    return brotliDecompressSync(compressed, { maxOutputLength: maxBytes, chunkSize })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new TetherError(
        'TOO_LARGE',
        `A body of ${compressed.length} bytes decompresses to more than ${maxBytes}.`,
        {
          cause,
        },
      )
    }
    throw new TetherError('PROTOCOL', 'A body could not be decompressed.', { cause })
  }
}
