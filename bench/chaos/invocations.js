import { createHash } from 'node:crypto'
import { logUniform, seededBodies } from '../seeded/bodies.js'
import { seededRandom } from '../seeded/random.js'

const SMALLEST_BYTES = 1
const LARGEST_BYTES = 200_000
const SLOW_SHARE = 0.1
const SLOW_MS = 1_500
const QUICK_MS = 30

/** Every invocation of a run by its number: its event, the work of local code, and the expected answer. */
export function chaosInvocations(seed) {
  const bodies = seededBodies(seed)
  return {
    event(number) {
      const random = seededRandom(seed + number * 7919)
      const bytes = logUniform(random, SMALLEST_BYTES, LARGEST_BYTES)
      const answerBytes = logUniform(random, SMALLEST_BYTES, LARGEST_BYTES)
      const slow = random() < SLOW_SHARE
      const atOnce = random() < 0.7
      const delayMs = slow ? Math.round(random() * SLOW_MS) : atOnce ? 0 : Math.round(random() * QUICK_MS)
      return { number, delayMs, answerBytes, body: bodies.text(bytes, 2 * number) }
    },
    /** The answer of local code; computed from the event alone, so that either side can. */
    answer: ({ number, answerBytes, body }) => ({
      number,
      digest: createHash('sha1').update(body).digest('base64'),
      body: bodies.text(answerBytes, 2 * number + 1),
    }),
  }
}
