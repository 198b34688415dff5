import { systemClock } from '../../core/base/clock.js'
import { checkOptions } from '../../core/base/options.js'
import { Patience, type SuiteOptions, suiteChecks } from '../suite.js'
import { objectTests } from './object-tests.js'
import { presignTests } from './presign-tests.js'
import type { PayloadStoreUnderTest } from './trial.js'

export type { PayloadStoreUnderTest } from './trial.js'

export interface PayloadStoreConformanceOptions extends SuiteOptions {
  /** Makes a store for one test. Stores may share their objects: every key is random. */
  factory(): PayloadStoreUnderTest | Promise<PayloadStoreUnderTest>
  /** The longest that one test may take, in milliseconds. @default 20,000 */
  readonly waitMs?: number | undefined
}

/**
 * Registers a test for every promise of `PayloadStore`. Presigned requests are used with `fetch`, as a stub does.
 *
 * ```ts
 * import { test } from 'node:test'
 * payloadStoreConformance({ test, factory: () => ({ store: myStore() }) })
 * ```
 * @throws TetherError `INVALID_OPTION`
 */
export function payloadStoreConformance(options: PayloadStoreConformanceOptions): void {
  const {
    test,
    factory,
    waitMs = 20_000,
    clock = systemClock,
  } = checkOptions<PayloadStoreConformanceOptions>('payloadStoreConformance', options, suiteChecks)
  const patience = new Patience(clock, waitMs)
  for (const { name, run } of [...objectTests, ...presignTests]) {
    test(name, async () => {
      const subject = await factory()
      try {
        await patience.within(`'${name}' did not end`, run(subject))
      } finally {
        await subject.close?.()
      }
    })
  }
}
