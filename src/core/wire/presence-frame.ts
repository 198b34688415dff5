import { randomBytes } from 'node:crypto'
import type { Endpoint } from '../contracts/transport.js'
import { decodePresence, encodePresence } from './codec.js'
import { ANY_FUNCTION } from './derivation.js'
import {
  AssociatedData,
  decodeHeader,
  encodeDestination,
  encodeHeader,
  HEAD_BYTES,
  readScope,
  scopeOf,
  writeScope,
} from './frame.js'
import type { PresenceMessage } from './protocol.js'
import type { StageKeys } from './root-key.js'
import { type PresenceKeys, senderKey } from './seal.js'

const PURPOSE = 'presence'

/** Makes a frame for a broker to keep under a session's name: sealed for every holder of a stage's key, and signed. */
export function sealPresence(keys: StageKeys, of: Endpoint, message: PresenceMessage): Buffer {
  const bytes = encodePresence(message, (head) => keys.sign(PURPOSE, [of.app, of.stage, of.name], head))
  // Each frame is its own sender, so no number has to be remembered.
  const sender = writeScope(keys.id, ANY_FUNCTION) + randomBytes(16).toString('base64url')
  const numbers = { messageNumber: 0, index: 0, count: 1, totalBytes: bytes.length }
  const head = encodeHeader({ kind: 'session', sender, ...numbers })
  return senderKey(keys.presence, 'session', sender).seal(
    new AssociatedData(head, encodeDestination(of)),
    bytes,
  )
}

/** Opens such a frame; undefined if it is not authentic. */
export function openPresence(
  keys: readonly PresenceKeys[],
  of: Endpoint,
  kept: Uint8Array,
): PresenceMessage | undefined {
  try {
    const frame = decodeHeader(kept)
    const { kind, sender } = frame.header
    const { keyId } = readScope(scopeOf(sender))
    const key = keys.find(({ id }) => id === keyId)
    if (key === undefined || kind !== 'session') return undefined
    const associated = new AssociatedData(frame.bytes.subarray(0, HEAD_BYTES), encodeDestination(of))
    const bytes = senderKey(key.presence, 'session', sender).open(associated, frame)
    if (bytes === undefined) return undefined
    const parts = [of.app, of.stage, of.name]
    return decodePresence(bytes, (head, signature) => key.verify(PURPOSE, parts, head, signature))
  } catch {
    return undefined
  }
}
