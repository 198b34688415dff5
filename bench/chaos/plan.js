import { seededRandom } from '../seeded/random.js'

// One fault for so many invocations, and at least one of each kind.
const INVOCATIONS_PER_FAULT = 150
const DOWN_AT_MOST_MS = 1_200

/**
 * Which faults happen when, the same for the same seed: `{ after, kind, forMs, pick }`. `after` counts settled
 * invocations, so that a slower machine gets the same faults; `pick` chooses connections.
 */
export function faultPlan({ seed, count, kinds }) {
  const random = seededRandom(seed ^ 0x5eed)
  const total = Math.max(kinds.length, Math.round(count / INVOCATIONS_PER_FAULT))
  const faults = Array.from({ length: total }, (_, i) => ({
    // Not in the first and last tenth: the effects of a fault need time to show.
    after: Math.round(count * (0.1 + 0.8 * random())),
    kind: kinds[i < kinds.length ? i : Math.floor(random() * kinds.length)],
    forMs: Math.round(random() * DOWN_AT_MOST_MS),
    pick: seededRandom(Math.floor(random() * 2 ** 32)),
  }))
  return faults.sort((a, b) => a.after - b.after)
}
