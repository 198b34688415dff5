import { createHmac } from 'node:crypto'

/** The application and stage to which keys belong. */
export interface StageScope {
  readonly app: string
  readonly stage: string
}

/** The tag of a key for a whole stage: 8 zero bytes. */
export const ANY_FUNCTION = Buffer.alloc(8)

/**
 * Derives a key from another: HKDF-Expand of RFC 5869, SHA-256, for 32 bytes. Omits Extract, since a root key is
 * uniform.
 * @param list the purpose of the key: its JSON text is HKDF's `info`
 */
export function expand(key: Uint8Array, ...list: readonly (string | number)[]): Buffer {
  return createHmac('sha256', key).update(JSON.stringify(list)).update('\x01').digest()
}

/** The key of an application's stage, from which all its other keys are derived. */
export function stageKey(root: Uint8Array, { app, stage }: StageScope): Buffer {
  return expand(root, 'lambda-tether', 2, app, stage)
}

/** Four bytes, as hex, that distinguish the keys of a stage and reveal nothing of them. */
export function stageKeyId(stageKey: Uint8Array): string {
  return expand(stageKey, 'key id').toString('hex', 0, 4)
}

/** Eight bytes that represent a function in frames. */
export function functionTag(stageKey: Uint8Array, functionId: string): Buffer {
  return createHmac('sha256', expand(stageKey, 'function')).update(functionId).digest().subarray(0, 8)
}

/** The key for stubs with this tag. */
export function tagKey(stageKey: Uint8Array, tag: Buffer): Buffer {
  return expand(stageKey, 'stub', tag.toString('hex'))
}

/** The bytes that a session signs: purpose and parts, followed by `rest`. */
export function statement(
  purpose: string,
  parts: readonly (string | number)[],
  rest: Uint8Array = Buffer.alloc(0),
): Buffer {
  return Buffer.concat([Buffer.from(`lambda-tether ${purpose} 2\0${JSON.stringify(parts)}`), rest])
}
