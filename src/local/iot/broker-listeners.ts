import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type RequestListener,
} from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws'
import { TetherError } from '../../core/base/errors.js'

/** A client's connection, over TCP or WebSocket. */
export interface ClientSocket<I> {
  readonly socket: Duplex
  /** Present over WebSocket. */
  readonly webSocket?: {
    readonly identity?: I
    /** Whether a close frame has arrived. */
    readonly closedInOrder: () => boolean
  }
}

/** Addresses and callbacks of the listeners. */
export interface ListenerOptions<I> {
  readonly host: string
  /** Port for MQTT over TCP. */
  readonly tcpPort: number
  /** Port for MQTT over WebSocket. */
  readonly port: number
  /** Admits an upgrade; otherwise answers it with an error and returns false. */
  readonly admit: (request: IncomingMessage, socket: Duplex) => { identity?: I } | false
  readonly onArrival: (arrival: ClientSocket<I>) => void
  /** Answers HTTP requests without an upgrade. */
  readonly onRequest: RequestListener
}

// RFC 6455: the code of a connection that ended without a close frame.
const ABNORMAL_CLOSURE = 1006

/** The broker's two listening sockets and all their connections. */
export class BrokerListeners<I> {
  readonly #options: ListenerOptions<I>
  readonly #tcp: TcpServer
  readonly #http: HttpServer
  readonly #webSockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'mqtt' })
  readonly #sockets = new Set<Duplex>()

  constructor(options: ListenerOptions<I>) {
    this.#options = options
    this.#tcp = createTcpServer({ noDelay: true }, (socket) => this.#arrive({ socket }))
    this.#http = createHttpServer(options.onRequest)
    this.#http.on('connection', (socket) => this.#track(socket))
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  /** @throws TetherError `UNREACHABLE` if a port is taken or the address is not this machine's */
  async open(): Promise<void> {
    const { host, port, tcpPort } = this.#options
    try {
      await Promise.all([listen(this.#tcp, host, tcpPort), listen(this.#http, host, port)])
    } catch (cause) {
      await this.close()
      const detail = (cause as Error).message
      throw new TetherError('UNREACHABLE', `The local broker cannot listen: ${detail}`, { cause })
    }
  }

  get tcpPort(): number {
    return (this.#tcp.address() as AddressInfo).port
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port
  }

  /** Destroys every socket; resolves when both servers are closed. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(
      [this.#tcp, this.#http].map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    )
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const admitted = this.#options.admit(request, socket)
    if (!admitted) return
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
      let code = ABNORMAL_CLOSURE
      // Registered before the stream's own listener, so that the code is known when the stream ends.
      webSocket.on('close', (given) => {
        code = given
      })
      const stream = createWebSocketStream(webSocket)
      this.#arrive({
        socket: stream,
        webSocket: { ...admitted, closedInOrder: () => code !== ABNORMAL_CLOSURE },
      })
    })
  }

  #arrive(arrival: ClientSocket<I>): void {
    this.#track(arrival.socket)
    this.#options.onArrival(arrival)
  }

  #track(socket: Duplex): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }
}

function listen(server: TcpServer | HttpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
