import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { crc32 } from 'node:zlib'
import { sha256, UNSIGNED_PAYLOAD } from '../../aws/signature.js'
import { S3Error } from './errors.js'

/**
 * Checks a body against the signed hash and every checksum in the headers.
 * @throws S3Error `XAmzContentSHA256Mismatch`, `BadDigest`, `NotImplemented`
 */
export function checkBody(body: Uint8Array, headers: IncomingHttpHeaders, payloadHash: string): void {
  if (payloadHash.startsWith('STREAMING-')) {
    throw new S3Error(
      'NotImplemented',
      `The local S3 endpoint takes no ${payloadHash}. Send a Buffer rather than a stream.`,
    )
  }
  if (payloadHash !== UNSIGNED_PAYLOAD && payloadHash !== sha256(body)) {
    throw new S3Error('XAmzContentSHA256Mismatch')
  }
  for (const [name, digest] of Object.entries(DIGESTS)) {
    const given = headers[name]
    if (given !== undefined && given !== digest(body)) throw new S3Error('BadDigest')
  }
}

/** Whether the headers contain a checksum, which some operations require. */
export function hasChecksum(headers: IncomingHttpHeaders): boolean {
  return Object.keys(headers).some((name) => name === 'content-md5' || name.startsWith('x-amz-checksum-'))
}

const DIGESTS: Readonly<Record<string, (body: Uint8Array) => string>> = {
  'content-md5': (body) => createHash('md5').update(body).digest('base64'),
  'x-amz-checksum-sha256': (body) => createHash('sha256').update(body).digest('base64'),
  'x-amz-checksum-sha1': (body) => createHash('sha1').update(body).digest('base64'),
  'x-amz-checksum-crc32': (body) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(crc32(body))
    return bytes.toString('base64')
  },
}
