import { createPublicKey, verify } from 'node:crypto'
import { invalidOption } from '../base/options.js'
import { statement } from './derivation.js'
import { writeScope } from './frame.js'
import type { ChannelKeys, PresenceKeys } from './seal.js'

/** A stub's share of its stage's keys. */
export interface StubKey {
  /** As in frames: 8 hex digits. */
  readonly id: string
  /** The function's tag, 8 bytes; zero for a key of the whole stage. */
  readonly tag: Buffer
  readonly stub: Buffer
  readonly presence: Buffer
  /** The public key of sessions' signatures: 32 bytes. */
  readonly publicBytes: Buffer
}

export const STUB_KEY_PREFIX = 'lts2_'
const KEY_BYTES = 32
// Offsets of its fields.
const TAG = 4
const STUB = 12
const PRESENCE = STUB + KEY_BYTES
const PUBLIC = PRESENCE + KEY_BYTES

/** A stub's key as text: 149 characters. */
export function writeStubKey({ id, tag, stub, presence, publicBytes }: StubKey): string {
  const bytes = Buffer.concat([Buffer.from(id, 'hex'), tag, stub, presence, publicBytes])
  return STUB_KEY_PREFIX + bytes.toString('base64url')
}

/** Reads such a text. @throws TetherError `INVALID_OPTION`; the message never holds the key */
export function readStubKey(name: string, key: unknown): StubKey {
  if (typeof key !== 'string' || !/^lts2_[\w-]{144}$/.test(key)) {
    const isRoot =
      (key instanceof Uint8Array && key.length === KEY_BYTES) ||
      (typeof key === 'string' && /^([\w-]{43}|[0-9a-f]{64})$/i.test(key))
    const got =
      typeof key === 'string' ? `a text of ${key.length} characters` : `a value of type ${typeof key}`
    throw invalidOption(
      name,
      isRoot
        ? "is a session's key, which must not leave the developer's side: give what stubKey() returns"
        : `must be a stub's key, ${STUB_KEY_PREFIX} and 144 characters, as stubKey() returns it; it is ${got}`,
    )
  }
  const bytes = Buffer.from(key.slice(STUB_KEY_PREFIX.length), 'base64url')
  return {
    id: bytes.toString('hex', 0, TAG),
    tag: bytes.subarray(TAG, STUB),
    stub: bytes.subarray(STUB, PRESENCE),
    presence: bytes.subarray(PRESENCE, PUBLIC),
    publicBytes: bytes.subarray(PUBLIC),
  }
}

/** Checks an option that is a stub's key. @throws TetherError `INVALID_OPTION`; the message never holds the key */
export function checkStubKey(name: string, value: unknown): void {
  readStubKey(name, value)
}

/** An Ed25519 public key's 32 bytes, for Node. */
export function publicKeyOf(bytes: Buffer) {
  const key = { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }
  return createPublicKey({ key, format: 'jwk' })
}

/** The keys of a stub. */
export function stubKeys({ id, tag, stub, presence, publicBytes }: StubKey): ChannelKeys & PresenceKeys {
  const scope = writeScope(id, tag)
  return {
    id,
    scope,
    ids: [id],
    presence,
    base: (of) => (of === scope ? stub : undefined),
    // Created when needed: a cold start has no time for it.
    verify: (purpose, parts, rest, signature) =>
      verify(null, statement(purpose, parts, rest), publicKeyOf(publicBytes), signature),
  }
}
