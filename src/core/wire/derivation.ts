import { createHmac } from 'node:crypto'

/**
 * Derives a key from another: HKDF-Expand of RFC 5869, SHA-256, for 32 bytes. Extract is left out, since a root key is
 * uniform.
 * @param list what the key is for: JSON text of it is HKDF's `info`
 */
export function expand(key: Uint8Array, ...list: readonly (string | number)[]): Buffer {
  return createHmac('sha256', key).update(JSON.stringify(list)).update('\x01').digest()
}

/** The key of an application's stage, from which all others of it are derived. */
export function stageKey(root: Uint8Array, { app, stage }: { readonly app: string; readonly stage: string }) {
  return expand(root, 'lambda-tether', 2, app, stage)
}

/** Four bytes, as hex, that tell the keys of a stage apart and reveal nothing of them. */
export function stageKeyId(stageKey: Uint8Array): string {
  return expand(stageKey, 'key id').toString('hex', 0, 4)
}
