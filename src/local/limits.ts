import { TetherError } from '../core/errors.js'

/**
 * AWS's limits with some replaced.
 * @param whose for the message: `the local broker`
 * @throws TetherError `INVALID_OPTION` naming the limit
 */
export function limitsWith<L extends object>(defaults: L, changes: Partial<L>, whose: string): L {
  const limits = { ...defaults }
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(defaults, name)) {
      throw new TetherError(
        'INVALID_OPTION',
        `'limits.${name}' is no limit of ${whose}; there are ${Object.keys(defaults).join(', ')}.`,
      )
    }
    if (value === undefined) continue
    if (typeof value !== 'number' || !(value >= 0)) {
      throw new TetherError(
        'INVALID_OPTION',
        `'limits.${name}' must be a number from 0, not ${String(value)}.`,
      )
    }
    Object.assign(limits, { [name]: value })
  }
  return limits
}
