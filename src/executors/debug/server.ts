import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import type { DebugTarget } from './target.js'

const HOST = '127.0.0.1'

/**
 * An inspector like Node's own, with one function's workers as its targets. A debugger that attaches to a port of
 * `--inspect` can attach to this port, and stays with it while workers come and go. The worker used last is first in
 * the list.
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

  /** Undefined while the server does not listen. */
  get port(): number | undefined {
    return (this.#http.address() as AddressInfo | null)?.port
  }

  /** @param port 0 selects a free port */
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
    // Loading `ws` takes 30 ms: a host pays that only when a debugger attaches.
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
      // A 'close' follows.
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

/**
 * Returns the request's `Host`, unless a web page may have chosen it: under the page's own host name (DNS rebinding).
 */
function localHost(host: string | undefined): string | undefined {
  const name = host?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1') ?? ''
  return isIP(name) !== 0 || name === 'localhost' ? host : undefined
}
