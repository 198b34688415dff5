import { seededBodies } from '../seeded/bodies.js'

const BYTES = 1000
const bodies = seededBodies(1)

/** What one loop asks with, again and again. @param number the loop's */
export const eventOf = (number) => ({ text: bodies.text(BYTES, Number(number)) })
