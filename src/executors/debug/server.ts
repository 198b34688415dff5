import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import type { DebugTarget } from './target.js'

const HOST = '127.0.0.1'

/**
 * An inspector as Node's own, whose targets are the workers of one function: what attaches to a port with `--inspect`
 * attaches to this one, and stays with it while workers come and go. The list begins with the worker used last.
 */
export class DebugServer {
  readonly #targets: () => readonly DebugTarget[]
  readonly #http: Server
  #sockets: WebSocketServer | undefined

  constructor(targets: () => readonly DebugTarget[]) {
    this.#targets = targets
    this.#http = createServer((request, response) => this.#answer(request, response))
    this.#http.on('upgrade', (request, socket, head) => {
      this.#attach(request, socket, head).catch(() => socket.destroy())
    })
  }

  /** Undefined while it does not listen. */
  get port(): number | undefined {
    return (this.#http.address() as AddressInfo | null)?.port
  }

  /** @param port 0: one that is free */
  async listen(port: number): Promise<void> {
    this.#http.listen(port, HOST)
    await once(this.#http, 'listening')
  }

  async close(): Promise<void> {
    for (const client of this.#sockets?.clients ?? []) client.terminate()
    this.#http.closeAllConnections()
    if (!this.#http.listening) return
    this.#http.close()
    await once(this.#http, 'close')
  }

  #answer({ headers, url }: IncomingMessage, response: ServerResponse): void {
    const host = localHost(headers.host)
    const known = url === '/json' || url === '/json/list' || url === '/json/version'
    if (host === undefined || !known) {
      response.writeHead(host === undefined ? 400 : 404).end()
      return
    }
    const version = { Browser: `node.js/${process.version}`, 'Protocol-Version': '1.1' }
    const body = url === '/json/version' ? version : this.#targets().map((target) => entryOf(target, host))
    response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(body))
  }

  async #attach(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const target = this.#targets().find(({ id }) => request.url === `/${id}`)
    if (target === undefined || localHost(request.headers.host) === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
      return
    }
    // Loading it takes 30 ms, which a host pays when a debugger attaches.
    const { WebSocketServer } = await import('ws')
    this.#sockets ??= new WebSocketServer({ noServer: true, perMessageDeflate: false })
    const sockets = this.#sockets
    let client: WebSocket | undefined
    const link = await target.connect({
      onMessage: (message) => client?.send(message),
      onClose: () => (client === undefined ? socket.destroy() : client.close()),
    })
    socket.once('close', () => link.close())
    if (socket.destroyed) return link.close()
    sockets.handleUpgrade(request, socket, head, (upgraded) => {
      client = upgraded
      upgraded.on('message', (data) => link.send(String(data)))
      // Followed by 'close'.
      upgraded.on('error', () => {})
    })
  }
}

function entryOf({ id, title }: DebugTarget, host: string): object {
  return {
    description: 'lambda-tether',
    devtoolsFrontendUrl: `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${host}/${id}`,
    id,
    title,
    type: 'node',
    url: 'file://',
    webSocketDebuggerUrl: `ws://${host}/${id}`,
  }
}

/** The `Host` that was asked for, where no web page can have chosen it: its own name would have led it here (DNS rebinding). */
function localHost(host: string | undefined): string | undefined {
  const name = host?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1') ?? ''
  return isIP(name) !== 0 || name === 'localhost' ? host : undefined
}
