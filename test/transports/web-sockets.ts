import { packageWebSockets } from '../../src/transports/socket/package-web-socket.js'
import type { OpenWebSocket } from '../../src/transports/socket/web-socket.js'
import { WebSocketClient } from '../../src/transports/socket/web-socket-client.js'

/** Every client of WebSockets, over which the same tests run. */
export const WEB_SOCKETS: readonly {
  readonly client: 'the stub' | 'the session'
  readonly open: OpenWebSocket
}[] = [
  { client: 'the stub', open: (options) => new WebSocketClient(options) },
  { client: 'the session', open: packageWebSockets({}) },
]
