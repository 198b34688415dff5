import type { ClientRequest, IncomingMessage } from 'node:http'
import type { ClientOptions, WebSocket } from 'ws'
import { defined } from '../../core/base/defined.js'
import type { AgentOptions } from '../../network/agent-option.js'
import { connectionAgent } from '../../network/outgoing.js'
import type { ConnectPhase } from './connect-phase.js'
import { hostOf } from './plain-socket.js'
import { socketPhase } from './socket-phase.js'
import type { OpenWebSocket, WebSocketConnection, WebSocketEnd, WebSocketOptions } from './web-socket.js'
import { UpgradeRefused } from './web-socket-upgrade.js'

/** Starts loading `ws` while the host starts other parts. A failure shows at the first connection. */
export function preloadWebSocket(): void {
  import('ws').catch(() => {})
}

/** Opens WebSockets with the `ws` package, through the given agent or the environment's proxy. */
export function packageWebSockets(options: AgentOptions): OpenWebSocket {
  return (webSocket) => new PackageWebSocket(webSocket, options)
}

// The states of a WebSocket, as `ws` and browsers number them.
const CONNECTING = 0
const OPEN = 1

class PackageWebSocket implements WebSocketConnection {
  readonly opened: Promise<void>
  readonly ended: Promise<WebSocketEnd>
  readonly #options: WebSocketOptions
  readonly #starting = new AbortController()
  #webSocket: WebSocket | undefined
  #phase: () => ConnectPhase = () => 'resolve'
  #error: Error | undefined
  #destroyed = false
  #onOpened: () => void = () => {}
  #onEnded: (end: WebSocketEnd) => void = () => {}

  constructor(options: WebSocketOptions, agents: AgentOptions) {
    this.#options = options
    this.opened = new Promise((resolve) => {
      this.#onOpened = resolve
    })
    this.ended = new Promise((resolve) => {
      this.#onEnded = resolve
    })
    this.#start(agents).catch((error: Error) => this.#end(error))
  }

  get phase(): ConnectPhase {
    return this.#phase()
  }

  get open(): boolean {
    return !this.#destroyed && this.#webSocket?.readyState === OPEN
  }

  send(
    payload: Uint8Array,
    { text = false, end = true }: { readonly text?: boolean; readonly end?: boolean },
    written?: (error?: Error | null) => void,
  ): void {
    if (!this.open) return written?.(new Error('the WebSocket is not open'))
    this.#webSocket!.send(payload, { binary: !text, fin: end }, written)
  }

  ping(): void {
    if (this.open) this.#webSocket!.ping()
  }

  close(code: number): void {
    if (this.open) this.#webSocket!.close(code)
    else if ((this.#webSocket?.readyState ?? CONNECTING) === CONNECTING) this.destroy()
  }

  destroy(error?: Error): void {
    this.#error ??= error
    this.#destroyed = true
    this.#starting.abort()
    if (this.#webSocket === undefined) this.#end()
    else this.#webSocket.terminate()
  }

  pause(): void {
    this.#webSocket?.pause()
  }

  resume(): void {
    this.#webSocket?.resume()
  }

  async #start(agents: AgentOptions): Promise<void> {
    const { url, headers, protocol, maxMessageBytes, ca, cert, key, rejectUnauthorized } = this.#options
    const [{ WebSocket }, agent] = await Promise.all([
      import('ws'),
      connectionAgent(url, agents, this.#starting.signal),
    ])
    if (this.#destroyed) return
    if (agent !== undefined) this.#phase = () => 'proxy'
    const options: ClientOptions & { ALPNProtocols: string[] } = {
      ...defined({ headers, agent, ca, cert, key, rejectUnauthorized }),
      ALPNProtocols: ['http/1.1'],
      maxPayload: maxMessageBytes,
      perMessageDeflate: false,
      finishRequest: (request) => {
        this.#follow(request as unknown as ClientRequest)
        request.end()
      },
    }
    const webSocket = new WebSocket(url, protocol === undefined ? [] : [protocol], options)
    this.#webSocket = webSocket
    webSocket.on('open', () => this.#onOpened())
    webSocket.on('message', (payload, isBinary) => this.#options.onMessage(payload as Buffer, !isBinary))
    webSocket.on('pong', () => this.#options.onPong?.())
    webSocket.on('unexpected-response', (_request, { statusCode = 0, headers }: IncomingMessage) => {
      this.destroy(new UpgradeRefused(statusCode, headers.date))
    })
    // Errors after destroy() are not the reason for the end.
    webSocket.on('error', (error) => {
      if (!this.#destroyed) this.#error ??= explained(error, maxMessageBytes)
    })
    webSocket.on('close', (code, reason) =>
      this.#onEnded({ error: this.#error, code, reason: reason.toString() }),
    )
  }

  #follow(request: ClientRequest): void {
    const { url } = this.#options
    request.once('socket', (socket) => {
      const target = { host: hostOf(url), secure: url.protocol === 'wss:' }
      this.#phase = socketPhase(socket, target, 'upgrade')
    })
  }

  #end(error?: Error): void {
    this.#error ??= error
    this.#onEnded({ error: this.#error, code: 1006, reason: '' })
  }
}

// The message of `ws` has neither of the two numbers.
function explained(error: NodeJS.ErrnoException, maxMessageBytes: number): Error {
  return error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
    ? new Error(`it sent a WebSocket message of more than ${maxMessageBytes} bytes`, { cause: error })
    : error
}
