import { createHmac } from 'node:crypto'

/** What keys are derived for. */
export interface StageScope {
  readonly app: string
  readonly stage: string
}

/** The tag of a key for a whole stage: 8 zero bytes. */
export const ANY_FUNCTION = Buffer.alloc(8)

/**
 * Derives a key from another: HKDF-Expand of RFC 5869, SHA-256, for 32 bytes. Extract is left out, since a root key is
 * uniform.
 * @param list what the key is for: JSON text of it is HKDF's `info`
 */
export function expand(key: Uint8Array, ...list: readonly (string | number)[]): Buffer {
  return createHmac('sha256', key).update(JSON.stringify(list)).update('\x01').digest()
}

/** The key of an application's stage, from which all others of it are derived. */
export function stageKey(root: Uint8Array, { app, stage }: StageScope): Buffer {
  return expand(root, 'lambda-tether', 2, app, stage)
}

/** Four bytes, as hex, that tell the keys of a stage apart and reveal nothing of them. */
export function stageKeyId(stageKey: Uint8Array): string {
  return expand(stageKey, 'key id').toString('hex', 0, 4)
}

/** Eight bytes that stand for a function in frames. */
export function functionTag(stageKey: Uint8Array, functionId: string): Buffer {
  return createHmac('sha256', expand(stageKey, 'function')).update(functionId).digest().subarray(0, 8)
}

/** The key of a tag's stubs. */
export function tagKey(stageKey: Uint8Array, tag: Buffer): Buffer {
  return expand(stageKey, 'stub', tag.toString('hex'))
}

/** The bytes that a session signs: purpose, parts, and what follows them. */
export function statement(
  purpose: string,
  parts: readonly (string | number)[],
  rest: Uint8Array = Buffer.alloc(0),
): Buffer {
  return Buffer.concat([Buffer.from(`lambda-tether ${purpose} 2\0${JSON.stringify(parts)}`), rest])
}
