import type { IntegrationOutcome } from './integration.js'

/** What a {@link WebSocketApi} tells its listeners. A listener that throws reaches nobody else. */
export interface WebSocketApiEvents {
  /** A client is connected: `$connect` has taken it. `query` is its URL's. */
  connect: (detail: {
    readonly connectionId: string
    readonly query: Readonly<Record<string, string>>
  }) => void
  /** A connection ended; `code` is WebSocket's, 1006 where nobody said goodbye. */
  disconnect: (detail: {
    readonly connectionId: string
    readonly code: number
    readonly reason: string
  }) => void
  /** An upgrade was answered with an HTTP error. */
  refuse: (detail: { readonly status: number; readonly detail: string }) => void
  /** A client's message was given to a route, or to none. */
  message: (detail: {
    readonly connectionId: string
    readonly routeKey: string | undefined
    readonly bytes: number
  }) => void
  /** A function was asked, and this came of it. */
  invocation: (detail: {
    readonly connectionId: string
    readonly routeKey: string
    readonly outcome: IntegrationOutcome
  }) => void
  /** A `POST @connections/<id>` was answered. */
  post: (detail: { readonly connectionId: string; readonly bytes: number; readonly status: number }) => void
}

/** Counts since the API was made. */
export interface WebSocketApiStats {
  /** Open connections, right now. */
  readonly connections: number
  /** Clients' messages, by route key; `ping` and other mocks among them. */
  readonly messages: Readonly<Record<string, number>>
  /** Calls of functions, by route key. */
  readonly invocations: Readonly<Record<string, number>>
  /** `POST @connections/<id>` that were answered with 200, whoever sent them. */
  readonly posts: number
}
