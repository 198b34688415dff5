import { expand, stageKey, tagKey } from '../../src/core/wire/derivation.js'
import { readStubKey } from '../../src/core/wire/stub-key.js'

/** What no deployed thing may have of a stage: the session's key, and all that only a session derives from it. */
export function sessionSecrets(key: string, names: { app: string; stage: string }): Record<string, Buffer> {
  const root = Buffer.from(key, 'base64url')
  const stage = stageKey(root, names)
  const derived = ['function', 'peer', 'snapshot', 'sign'].map((what) => [what, expand(stage, what)])
  // The key of the whole stage is a stub's, which has to be asked for.
  return { root, stage, any: tagKey(stage, Buffer.alloc(8)), ...Object.fromEntries(derived) }
}

/** Whether bytes hold a key: as it is, as text, or within the text of a stub's key. */
export function holds(bytes: Uint8Array | string, key: Buffer): boolean {
  const hay = Buffer.from(bytes as string)
  const text = hay.toString('latin1')
  const forms = [key.toString('hex'), key.toString('base64').replace(/=+$/, ''), key.toString('base64url')]
  if (hay.includes(key) || forms.some((form) => text.includes(form))) return true
  const stubKeys = text.match(/lts2_[\w-]{144}/g) ?? []
  return stubKeys.some((one) => Buffer.from(one.slice(5), 'base64url').includes(key))
}

/** The part of a stub's key that is its function's alone. */
export function ownPart(stubKey: string): Buffer {
  return readStubKey('key', stubKey).stub
}
