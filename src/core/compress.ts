import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { TetherError } from './errors.js'

/** A body's encoding on the wire: as it is, or brotli. */
export const IDENTITY = 0
export const BROTLI = 1

/** A smaller one fits one network packet with its header and costs a broker's one metered unit either way. */
const MIN_BYTES = 1_300

// Quality 1: measured on JSON of 2 KB to 5.9 MB, as small as deflate's level 1 or smaller, up to four times as fast for
// small bodies, never notably slower. On bytes that do not compress it takes 3 ms per MB.
const OPTIONS = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
}

/** The body compressed, or undefined when that would not make it smaller. */
export function compress(body: Uint8Array): Buffer | undefined {
  if (body.length < MIN_BYTES) return undefined
  const compressed = brotliCompressSync(body, OPTIONS)
  return compressed.length < body.length ? compressed : undefined
}

/** The body again. @throws TetherError `TOO_LARGE` over `maxBytes`, without having made them; `PROTOCOL` */
export function decompress(compressed: Uint8Array, maxBytes: number): Buffer {
  try {
    return brotliDecompressSync(compressed, { maxOutputLength: maxBytes })
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
