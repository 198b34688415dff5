export { type Inspector, inspect } from './inspector.js'
export type { InspectOptions } from './options.js'
