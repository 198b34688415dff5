import { seededBodies } from '../seeded/bodies.js'

const BYTES = 1000
const bodies = seededBodies(1)

/** The event of one loop, the same each time. @param number the loop's */
export const eventOf = (number) => ({ text: bodies.text(BYTES, Number(number)) })
