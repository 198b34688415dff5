import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { invalidOption } from '../base/options.js'
import { type AssociatedData, type ReceivedFrame, TAG_BYTES } from './frame.js'

/** The 256-bit secret that a session and its stubs share. */
export interface RootKey {
  /** Four bytes of its SHA-256, as hex: tells keys apart, reveals nothing of them. */
  readonly id: string
  readonly bytes: Buffer
}

const KEY_BYTES = 32

/** Makes a new key for `createSession({ key })` and `stubEnvironment({ key })`: 256 random bits as base64url. */
export function generateKey(): string {
  return randomBytes(KEY_BYTES).toString('base64url')
}

/**
 * Reads a key as users write it: base64url (43 characters, as {@link generateKey} gives it), hex, or 32 bytes.
 * @throws TetherError `INVALID_OPTION`; the message never holds the key
 */
export function rootKey(key: string | Uint8Array): RootKey {
  const bytes = keyBytes('key', key)
  const id = createHash('sha256').update('lambda-tether key id\0').update(bytes).digest('hex').slice(0, 8)
  return { id, bytes }
}

/** Checks an option that is such a key. @throws TetherError `INVALID_OPTION`; the message never holds the key */
export function checkKey(name: string, value: unknown): void {
  keyBytes(name, value)
}

function keyBytes(name: string, key: unknown): Buffer {
  if (key instanceof Uint8Array && key.length === KEY_BYTES) return Buffer.from(key)
  if (typeof key === 'string') {
    if (/^[0-9a-f]{64}$/i.test(key)) return Buffer.from(key, 'hex')
    if (/^[\w-]{43}$/.test(key)) return Buffer.from(key, 'base64url')
  }
  const got = typeof key === 'string' ? `a text of ${key.length} characters` : `a value of type ${typeof key}`
  throw invalidOption(
    name,
    `must be ${KEY_BYTES} bytes, as base64url (43 characters) or hex (64); it is ${got}. Make one with generateKey()`,
  )
}

/** Seals and opens the frames of one sender: AES-256-GCM under a key of its own. */
export interface SenderKey {
  /** The whole frame, header, ciphertext and tag, with the numbers that the associated data has. */
  seal(associated: AssociatedData, part: Uint8Array): Buffer
  /** The part, or undefined when the frame is not authentic. @param associated is given the frame's header */
  open(associated: AssociatedData, frame: ReceivedFrame): Buffer | undefined
}

/** Derives the key of one sender in one direction: HKDF-SHA-256(root, app, stage, direction, sender id). */
export function senderKey(
  root: RootKey,
  scope: { app: string; stage: string; direction: 'session' | 'stub'; senderId: string },
): SenderKey {
  const info = JSON.stringify(['lambda-tether', 1, scope.app, scope.stage, scope.direction, scope.senderId])
  const key = Buffer.from(hkdfSync('sha256', root.bytes, '', info, KEY_BYTES))
  return {
    seal({ bytes, head, nonce }, part) {
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(bytes)
      // GCM is a stream: all of the ciphertext is there before the end.
      const sealed = cipher.update(part)
      cipher.final()
      return Buffer.concat([head, sealed, cipher.getAuthTag()])
    },
    open(associated, frame) {
      const { bytes, headBytes } = frame
      const end = bytes.length - TAG_BYTES
      if (end < headBytes) return undefined
      associated.take(frame)
      const decipher = createDecipheriv('aes-256-gcm', key, associated.nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(associated.bytes)
      decipher.setAuthTag(bytes.subarray(end))
      const part = decipher.update(bytes.subarray(headBytes, end))
      try {
        decipher.final()
      } catch {
        return undefined
      }
      return part
    },
  }
}
