import { seededRandom } from './random.js'

// Printable ASCII that JSON does not escape: 6.5 bits to a byte, so that no compressor saves more than 18 %.
const ALPHABET = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).filter(
  (c) => c !== '"' && c !== '\\',
)

/** Texts that do not compress, each a piece of one pool: the same for the same seed, and cheap. */
export function seededBodies(seed, poolBytes = 1024 * 1024) {
  const random = seededRandom(seed)
  const bytes = Buffer.alloc(poolBytes)
  for (let i = 0; i < poolBytes; i++)
    bytes[i] = ALPHABET[Math.floor(random() * ALPHABET.length)].charCodeAt(0)
  const pool = bytes.toString('latin1')
  return {
    /** A text of so many bytes. */
    text(length, number = 0) {
      const offset = Math.floor(seededRandom(number)() * (poolBytes - length))
      return pool.slice(offset, offset + length)
    },
  }
}

/** A size between both, as likely between 1 and 10 as between 10,000 and 100,000. */
export const logUniform = (random, from, to) => Math.floor(from * Math.exp(random() * Math.log(to / from)))
