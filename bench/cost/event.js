import { seededBodies } from '../seeded/bodies.js'

/** The event, and the answer: 1 KB. */
export const event = { text: seededBodies(1).text(1024) }
