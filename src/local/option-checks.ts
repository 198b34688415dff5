import { TetherError } from '../core/errors.js'
import type { LocalIdentity } from './broker-options.js'

/** @throws TetherError `INVALID_OPTION` for what is no text, or an empty one */
export function checkText(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new TetherError('INVALID_OPTION', `'${name}' must be a text that is not empty, not ${String(value)}.`)
}

/** @throws TetherError `INVALID_OPTION` for what is no port; 0 is a free one */
export function checkPort(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535) return value
  throw new TetherError('INVALID_OPTION', `'${name}' must be a port from 0 to 65535, not ${String(value)}.`)
}

/** @throws TetherError `INVALID_OPTION` for what is no list of credentials */
export function checkIdentities(
  identities: readonly LocalIdentity[] | undefined,
): readonly LocalIdentity[] | undefined {
  if (identities !== undefined && !Array.isArray(identities))
    throw new TetherError('INVALID_OPTION', "'identities' must be a list of credentials.")
  for (const identity of identities ?? []) {
    checkText('identities.accessKeyId', identity?.accessKeyId)
    checkText('identities.secretAccessKey', identity.secretAccessKey)
  }
  return identities
}
