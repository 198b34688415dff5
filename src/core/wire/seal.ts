import { createCipheriv, createDecipheriv } from 'node:crypto'
import { expand } from './derivation.js'
import { type AssociatedData, HEAD_BYTES, type ReceivedFrame, senderIdOf, TAG_BYTES } from './frame.js'

/** The keys of one side of a channel. */
export interface ChannelKeys {
  /** Key id and function tag of the messages that this side begins. */
  readonly scope: string
  /** The ids of its keys, 8 hex digits each. */
  readonly ids: readonly string[]
  /**
   * The key from which those of a scope's senders are derived, undefined where this side has none. Remembers nothing.
   * @param peer whether one session speaks to another
   */
  base(scope: string, peer: boolean): Buffer | undefined
}

/** What opens and verifies presence. */
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

/** Seals and opens the frames of one sender: AES-256-GCM under a key of its own. */
export interface SenderKey {
  /** The whole frame, header, ciphertext and tag, with the numbers that the associated data has. */
  seal(associated: AssociatedData, part: Uint8Array): Buffer
  /** The part, or undefined when the frame is not authentic. @param associated is given the frame's header */
  open(associated: AssociatedData, frame: ReceivedFrame): Buffer | undefined
}

/** Derives the key of one sender in one direction from that of its scope. */
export function senderKey(base: Uint8Array, direction: 'session' | 'stub', sender: string): SenderKey {
  const key = expand(base, direction, Buffer.from(senderIdOf(sender), 'base64url').toString('hex'))
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
