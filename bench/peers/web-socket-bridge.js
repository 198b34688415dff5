import { once } from 'node:events'
import { connect } from 'node:net'
import { createWebSocketStream, WebSocketServer } from 'ws'

/**
 * MQTT over WebSocket in front of a broker's TCP port, under any subprotocol name that the client sends: the AWS device
 * SDK of Lambda Live Debugger sends `mqttv3.1`, which the local broker does not accept.
 */
export async function startWebSocketBridge({ port }) {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: ([protocol]) => protocol,
    perMessageDeflate: false,
  })
  server.on('connection', (socket) => {
    const near = createWebSocketStream(socket)
    const far = connect({ port, host: '127.0.0.1', noDelay: true })
    for (const [stream, other] of [
      [near, far],
      [far, near],
    ]) {
      stream.pipe(other)
      stream.on('error', () => other.destroy())
    }
  })
  await once(server, 'listening')
  return {
    port: server.address().port,
    async stop() {
      for (const client of server.clients) client.terminate()
      server.close()
      await once(server, 'close')
    },
  }
}
