import { SessionPayloads } from '../../src/core/payload/session-payloads.js'
import type { Counters } from '../../src/core/wire/counters.js'

/** The payloads of a session without a store. */
export function payloadsWithoutStore(counters: Counters): SessionPayloads {
  return new SessionPayloads({
    store: undefined,
    app: 'shop',
    stage: 'dev',
    inlineBytes: 1_000,
    counters,
    onFailure() {},
  })
}
