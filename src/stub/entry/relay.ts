import { createRelay } from '../relay/relay.js'

/** The function behind every route of the debug stack's WebSocket API, configured by its environment alone. */
export const handler = createRelay({ env: process.env })
