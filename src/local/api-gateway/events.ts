import type { IntegrationOutcome } from './integration.js'

/** Events of a {@link WebSocketApi}. A listener that throws does not affect the API. */
export interface WebSocketApiEvents {
  /** A client has connected: `$connect` accepted it. `query` is the query of its URL. */
  connect: (detail: {
    readonly connectionId: string
    readonly query: Readonly<Record<string, string>>
  }) => void
  /** A connection ended; `code` is the WebSocket close code, 1006 without a close frame. */
  disconnect: (detail: {
    readonly connectionId: string
    readonly code: number
    readonly reason: string
  }) => void
  /** An upgrade was answered with an HTTP error. */
  refuse: (detail: { readonly status: number; readonly detail: string }) => void
  /** A client's message was routed; `routeKey` is undefined if no route fits. */
  message: (detail: {
    readonly connectionId: string
    readonly routeKey: string | undefined
    readonly bytes: number
  }) => void
  /** A function was invoked, with this outcome. */
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
  /** Connections open now. */
  readonly connections: number
  /** Clients' messages by route key, including `ping` and other mocks. */
  readonly messages: Readonly<Record<string, number>>
  /** Invocations of functions, by route key. */
  readonly invocations: Readonly<Record<string, number>>
  /** `POST @connections/<id>` requests answered with 200, from any sender. */
  readonly posts: number
}
