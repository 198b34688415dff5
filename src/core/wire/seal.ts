import { createCipheriv, createDecipheriv } from 'node:crypto'
import { expand } from './derivation.js'
import { type AssociatedData, HEAD_BYTES, type ReceivedFrame, senderIdOf, TAG_BYTES } from './frame.js'

/** The keys of one side of a channel. */
export interface ChannelKeys {
  /** Key id and function tag of messages that this side begins. */
  readonly scope: string
  /** The ids of its keys, 8 hex digits each. */
  readonly ids: readonly string[]
  /**
   * The key from which the keys of a scope's senders are derived; undefined if this side has none. Caches nothing.
   * @param peer whether one session sends to another
   */
  base(scope: string, peer: boolean): Buffer | undefined
}

/** Opens and verifies presence. */
export interface PresenceKeys {
  /** 8 hex digits. */
  readonly id: string
  readonly presence: Buffer
  verify(
    purpose: string,
    parts: readonly (string | number)[],
    rest: Uint8Array,
    signature: Uint8Array,
  ): boolean
}

/** Seals and opens the frames of one sender: AES-256-GCM under the sender's own key. */
export interface SenderKey {
  /** Returns the whole frame (header, ciphertext and tag), with the numbers in the associated data. */
  seal(associated: AssociatedData, part: Uint8Array): Buffer
  /** Returns the part, or undefined if the frame is not authentic. @param associated receives the frame's header */
  open(associated: AssociatedData, frame: ReceivedFrame): Buffer | undefined
}

/** Derives the key of one sender in one direction from its scope's key. */
export function senderKey(base: Uint8Array, direction: 'session' | 'stub', sender: string): SenderKey {
  const key = expand(base, direction, Buffer.from(senderIdOf(sender), 'base64url').toString('hex'))
  return {
    seal({ bytes, head, nonce }, part) {
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(bytes)
      // GCM is a stream mode: update() returns all of the ciphertext.
      const sealed = cipher.update(part)
      cipher.final()
      return Buffer.concat([head, sealed, cipher.getAuthTag()])
    },
    open(associated, frame) {
      const { bytes } = frame
      const end = bytes.length - TAG_BYTES
      associated.take(frame)
      const decipher = createDecipheriv('aes-256-gcm', key, associated.nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(associated.bytes)
      decipher.setAuthTag(bytes.subarray(end))
      const part = decipher.update(bytes.subarray(HEAD_BYTES, end))
      try {
        decipher.final()
      } catch {
        return undefined
      }
      return part
    },
  }
}
