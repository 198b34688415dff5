import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, STATUS_CODES } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws'
import type { Certificates } from './tls.js'

export interface WsBridgeOptions {
  /** Where MQTT is spoken over TCP, on 127.0.0.1. */
  readonly port: number
  /** Makes it `wss://localhost`. */
  readonly tls?: Certificates
  /** Why an upgrade is refused with 403; undefined admits it. */
  readonly refuse?: (request: IncomingMessage) => string | undefined
  /** What the `Date` of a refusal says. @default the machine's clock */
  readonly now?: () => number
}

/** MQTT over WebSocket in front of a broker that speaks TCP: the bytes of the messages, joined, and back. */
export interface WsBridge extends AsyncDisposable {
  /** `ws://127.0.0.1:port` or `wss://localhost:port` */
  readonly url: string
  /** The target of each upgrade that was asked for, in order. */
  readonly asked: readonly string[]
  /** Why upgrades were refused. */
  readonly refusals: readonly string[]
  /** Ends every connection without a goodbye. */
  cut(): void
  /** Leaves the clients' sockets as they are and carries nothing on them any more, as a NAT that has forgotten them. */
  silence(): void
}

/** Starts a bridge on a free port. */
export async function startWsBridge(options: WsBridgeOptions): Promise<WsBridge> {
  const { port, tls, refuse = () => undefined, now = Date.now } = options
  const server = tls ? createHttpsServer({ cert: tls.serverCert, key: tls.serverKey }) : createHttpServer()
  const webSockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
  })
  const asked: string[] = []
  const refusals: string[] = []
  const pairs = new Set<{ client: Socket; webSocket: WebSocket; stream: Duplex; broker: Socket }>()

  server.on('upgrade', (request: IncomingMessage, client: Socket, head: Buffer) => {
    client.setNoDelay(true)
    client.on('error', () => client.destroy())
    asked.push(request.url ?? '')
    const refusal = refuse(request)
    if (refusal !== undefined) {
      refusals.push(refusal)
      refuseUpgrade(client, now())
      return
    }
    webSockets.handleUpgrade(request, client, head, (webSocket) => {
      const stream = createWebSocketStream(webSocket)
      const broker = connect({ host: '127.0.0.1', port, noDelay: true })
      const pair = { client, webSocket, stream, broker }
      pairs.add(pair)
      stream.on('error', () => broker.destroy())
      stream.on('close', () => {
        pairs.delete(pair)
        broker.destroy()
      })
      broker.on('error', () => {})
      broker.on('close', () => {
        if (pairs.has(pair)) webSocket.terminate()
      })
      stream.pipe(broker)
      broker.pipe(stream)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: own } = server.address() as AddressInfo
  const clients = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    clients.add(socket)
    socket.once('close', () => clients.delete(socket))
  })
  return {
    url: tls ? `wss://localhost:${own}` : `ws://127.0.0.1:${own}`,
    asked,
    refusals,
    cut() {
      for (const client of clients) client.destroy()
    },
    silence() {
      for (const pair of pairs) {
        pairs.delete(pair)
        pair.stream.unpipe(pair.broker)
        pair.broker.destroy()
        // Whatever comes is read and forgotten, close frames included.
        pair.webSocket.removeAllListeners()
        pair.client.removeAllListeners('data').removeAllListeners('end').resume()
      }
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const client of clients) client.destroy()
      await once(server, 'close')
    },
  }
}

/** Answers with 403 and the time, by which a client can correct its clock. */
function refuseUpgrade(socket: Duplex, now: number): void {
  const body = JSON.stringify({ message: STATUS_CODES[403] })
  socket.end(
    `HTTP/1.1 403 Forbidden\r\nDate: ${new Date(now).toUTCString()}\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
}
