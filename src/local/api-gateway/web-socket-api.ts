import type { WebSocketApi, WebSocketApiOptions } from './web-socket-api-options.js'

export type {
  CutOptions,
  OpenConnection,
  WebSocketApi,
  WebSocketApiOptions,
} from './web-socket-api-options.js'

/**
 * Serves functions like an API Gateway WebSocket API, with its limits, routes selected by `$request.body.action`, and
 * `@connections`.
 * @throws TetherError `INVALID_OPTION` by name, `UNREACHABLE` when the port is taken
 */
export async function webSocketApi(options: WebSocketApiOptions): Promise<WebSocketApi> {
  const { startWebSocketApi } = await import('./web-socket-server.js')
  return startWebSocketApi(options)
}
