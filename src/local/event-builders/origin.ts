import { systemClock } from '../../core/base/clock.js'
import { checkText, wholeNumber } from '../../core/base/option-checks.js'
import type { Checks } from '../../core/base/options.js'
import { checkAccountId } from '../option-checks.js'

/** Origin and time of an event. */
export interface EventOrigin {
  /** @default 'us-east-1' */
  readonly region?: string | undefined
  /** Twelve digits. @default '123456789012' */
  readonly accountId?: string | undefined
  /** Unix milliseconds. @default now */
  readonly at?: number | undefined
}

export const originChecks: Checks<EventOrigin> = {
  region: checkText,
  accountId: checkAccountId,
  // The last moment that a Date can represent.
  at: wholeNumber(0, 8_640_000_000_000_000),
}

export function completeOrigin({ region, accountId, at }: EventOrigin) {
  return {
    region: region ?? 'us-east-1',
    accountId: accountId ?? '123456789012',
    at: at ?? systemClock.now(),
  }
}
