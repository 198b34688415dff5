// The package has no types.
declare module 'dynalite' {
  import type { Server } from 'node:http'

  /** Makes a DynamoDB in memory. Times are in milliseconds. */
  export default function dynalite(options?: { readonly createTableMs?: number }): Server
}
