import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { TetherError } from '../base/errors.js'
import { BROTLI, decompress, type PackedBody } from '../wire/compress.js'
import type { StoredBody } from '../wire/protocol.js'

// The key is used once, so the nonce need not vary.
const NONCE = Buffer.alloc(12)
const TAG_BYTES = 16
const LABEL = Buffer.from('lambda-tether stored body 1')

/** The length of the sealed object for a body. */
export function storedBytes({ bytes }: PackedBody): number {
  return 1 + bytes.length + TAG_BYTES
}

/** Seals a body: AES-256-GCM under a key of its own; the first byte is its encoding. */
export function sealBody({ encoding, bytes }: PackedBody): {
  readonly secret: string
  readonly object: Buffer
} {
  const secret = randomBytes(32)
  const cipher = createCipheriv('aes-256-gcm', secret, NONCE)
  cipher.setAAD(LABEL)
  const parts = [
    cipher.update(Buffer.of(encoding)),
    cipher.update(bytes),
    cipher.final(),
    cipher.getAuthTag(),
  ]
  return { secret: secret.toString('base64url'), object: Buffer.concat(parts) }
}

/** Opens a sealed body. @throws TetherError `STORE_FAILED` when the object differs from the stored one; `TOO_LARGE` */
export function openBody({ secret, bytes }: StoredBody, object: Uint8Array, maxBytes: number): Buffer {
  const end = object.length - TAG_BYTES
  const key = Buffer.from(secret, 'base64url')
  if (object.length !== bytes || end < 1 || key.length !== 32) {
    throw swapped(`it has ${object.length} bytes where ${bytes} were stored`)
  }
  const decipher = createDecipheriv('aes-256-gcm', key, NONCE, { authTagLength: TAG_BYTES })
  decipher.setAAD(LABEL)
  decipher.setAuthTag(object.subarray(end))
  const content = decipher.update(object.subarray(0, end))
  try {
    decipher.final()
  } catch {
    throw swapped('its content is not what was stored')
  }
  const body = content.subarray(1)
  return content[0] === BROTLI ? decompress(body, maxBytes) : body
}

function swapped(why: string): TetherError {
  return new TetherError('STORE_FAILED', `The stored object is not the one that was put: ${why}.`, {
    details: { operation: 'get', reason: 'truncated' },
  })
}
