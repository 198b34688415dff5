import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { BoundedMap } from '../base/bounded-map.js'
import { invalidOption } from '../base/options.js'
import {
  ANY_FUNCTION,
  expand,
  functionTag,
  type StageScope,
  stageKey,
  stageKeyId,
  statement,
  tagKey,
} from './derivation.js'
import { readScope, writeScope } from './frame.js'
import type { ChannelKeys, PresenceKeys } from './seal.js'
import { STUB_KEY_PREFIX, writeStubKey } from './stub-key.js'

const KEY_BYTES = 32
const MAX_SCOPES = 1_000
/** The prefix of an Ed25519 seed in PKCS #8 (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * Makes a new key for `createSession({ key })`: 256 random bits as base64url. It stays with the developer; a stub gets
 * a key derived from it by `stubEnvironment()` or `stubKey()`.
 */
export function generateKey(): string {
  return randomBytes(KEY_BYTES).toString('base64url')
}

/**
 * Reads a key in any accepted form: base64url (43 characters, from {@link generateKey}), hex, or 32 bytes.
 * @throws TetherError `INVALID_OPTION`; the message never holds the key
 */
export function rootKey(name: string, key: unknown): Buffer {
  if (key instanceof Uint8Array && key.length === KEY_BYTES) return Buffer.from(key)
  if (typeof key === 'string') {
    if (/^[0-9a-f]{64}$/i.test(key)) return Buffer.from(key, 'hex')
    if (/^[\w-]{43}$/.test(key)) return Buffer.from(key, 'base64url')
    if (key.startsWith(STUB_KEY_PREFIX))
      throw invalidOption(name, "is a stub's key; a session takes the one that generateKey() made")
  }
  const got = typeof key === 'string' ? `a text of ${key.length} characters` : `a value of type ${typeof key}`
  throw invalidOption(
    name,
    `must be ${KEY_BYTES} bytes, as base64url (43 characters) or hex (64); it is ${got}. Make one with generateKey()`,
  )
}

/** Checks an option that is such a key. @throws TetherError `INVALID_OPTION`; the message never holds the key */
export function checkRootKey(name: string, value: unknown): void {
  rootKey(name, value)
}

/** All keys of a stage, as held by the developer's side. */
export class StageKeys implements PresenceKeys {
  /** As in frames: 8 hex digits. */
  readonly id: string
  readonly presence: Buffer
  readonly peer: Buffer
  readonly #key: Buffer
  readonly #signing: KeyObject
  readonly #public: KeyObject

  constructor(root: Uint8Array, scope: StageScope) {
    this.#key = stageKey(root, scope)
    this.id = stageKeyId(this.#key)
    this.presence = expand(this.#key, 'presence')
    this.peer = expand(this.#key, 'peer')
    const der = Buffer.concat([PKCS8_PREFIX, expand(this.#key, 'sign')])
    this.#signing = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    this.#public = createPublicKey(this.#signing)
  }

  /** The key for stubs with a function's tag. */
  stub(tag: Buffer): Buffer {
    return tagKey(this.#key, tag)
  }

  tagOf(functionId: string): Buffer {
    return functionTag(this.#key, functionId)
  }

  /** The public key's 32 bytes. */
  get publicBytes(): Buffer {
    return Buffer.from(this.#public.export({ format: 'jwk' }).x!, 'base64url')
  }

  /** Signs for a purpose: Ed25519, 64 bytes. */
  sign(purpose: string, parts: readonly (string | number)[], rest?: Uint8Array): Buffer {
    return sign(null, statement(purpose, parts, rest), this.#signing)
  }

  verify(
    purpose: string,
    parts: readonly (string | number)[],
    rest: Uint8Array,
    signature: Uint8Array,
  ): boolean {
    return verify(null, statement(purpose, parts, rest), this.#public, signature)
  }

  /** The text of a stub's key. */
  stubKeyText(tag: Buffer): string {
    const { id, presence, publicBytes } = this
    return writeStubKey({ id, tag, stub: this.stub(tag), presence, publicBytes })
  }
}

/** The keys of a session: it begins messages with the first, and answers with the stub's. */
export class SessionKeys implements ChannelKeys {
  readonly scope: string
  /** Scopes for messages between sessions: one for each key, since the others may have any of them. */
  readonly scopes: readonly string[]
  readonly ids: readonly string[]
  readonly all: readonly StageKeys[]
  /** The function last confirmed for each scope. */
  readonly #functions = new BoundedMap<string, string>(MAX_SCOPES)

  /** @param all not empty */
  constructor(all: readonly StageKeys[]) {
    this.all = all
    this.ids = all.map(({ id }) => id)
    this.scopes = this.ids.map((id) => writeScope(id, ANY_FUNCTION))
    this.scope = this.scopes[0]!
  }

  get first(): StageKeys {
    return this.all[0]!
  }

  base(scope: string, peer: boolean): Buffer | undefined {
    const { key, tag } = this.#read(scope)
    if (!peer) return key?.stub(tag)
    return tag.equals(ANY_FUNCTION) ? key?.peer : undefined
  }

  /** Whether a sender's key is valid for a function: its own, or the key of the whole stage. */
  covers(scope: string, functionId: string): boolean {
    if (this.#functions.get(scope) === functionId) return true
    const { key, tag } = this.#read(scope)
    const covers = key !== undefined && (tag.equals(ANY_FUNCTION) || tag.equals(key.tagOf(functionId)))
    if (covers) this.#functions.set(scope, functionId)
    return covers
  }

  #read(scope: string): { key: StageKeys | undefined; tag: Buffer } {
    const { keyId, tag } = readScope(scope)
    return { key: this.all.find(({ id }) => id === keyId), tag }
  }
}
