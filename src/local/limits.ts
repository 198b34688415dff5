import { numberFrom } from '../core/base/option-checks.js'
import { invalidOption, isObject, mustBe } from '../core/base/options.js'

/** Some limits, replaced. */
export type LimitChanges<L> = { readonly [K in keyof L]?: L[K] | undefined }

/**
 * Returns AWS's limits with some replaced.
 * @param whose for the message: `the local broker`
 * @throws TetherError `INVALID_OPTION` naming the limit
 */
export function limitsWith<L extends object>(defaults: L, changes: LimitChanges<L>, whose: string): L {
  mustBe(`an object of limits of ${whose}`, isObject(changes), 'limits', changes)
  const limits = { ...defaults }
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(defaults, name)) {
      throw invalidOption(
        `limits.${name}`,
        `is no limit of ${whose}; there are ${Object.keys(defaults).join(', ')}`,
      )
    }
    if (value === undefined) continue
    numberFrom(0)(`limits.${name}`, value)
    Object.assign(limits, { [name]: value })
  }
  return limits
}
