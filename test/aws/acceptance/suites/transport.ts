import { describe, test } from 'vitest'
import { transportConformance } from '../../../../src/testing/index.js'
import { iot } from '../../../../src/transports/iot.js'
import type { Subject } from './subject.js'

/** Every promise of the IoT transport. Its tests that need a network to fail are for the local broker alone. */
export function transportSuite({ account, timeoutMs }: Subject): void {
  const { iotEndpoint: endpoint, region, credentials } = account
  describe('the transport iot', () => {
    transportConformance({
      test: (name, run) => test.concurrent(name, run, timeoutMs),
      without: ['cut'],
      waitMs: account.kind === 'aws' ? 20_000 : 5_000,
      factory: () => ({
        transport: iot({ endpoint, region, ...(credentials && { credentials }) }),
        close() {},
      }),
    })
  })
}
