import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { WebSocketApi } from '../../src/local/index.js'

/** What becomes of a client's request to the management API: it goes on, is answered, breaks, or hears nothing. */
export type Fate = 'pass' | 'break' | 'silent' | number

/** Stands between clients and an API, and decides on posts. */
export interface Front {
  readonly endpoint: string
  /** The fate of each post so far, in order. */
  readonly posts: readonly Fate[]
  /** The `X-Amz-Date` of each, as `20261101T120000Z`. */
  readonly signed: readonly string[]
  /** The sockets that posts came on. */
  readonly sockets: ReadonlySet<Socket>
  /** Decides on what comes next. */
  decide: (index: number) => Fate
}

/** Starts one on a free port; closed after the test. */
export async function startFront({ endpoint, stage }: WebSocketApi): Promise<Front> {
  const port = Number(new URL(endpoint).port)
  const sockets = new Set<Duplex>()
  const track = (socket: Duplex) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
    return socket
  }
  const posts: Fate[] = []
  const signed: string[] = []
  const postSockets = new Set<Socket>()
  const pass = (asked: IncomingMessage, answer: ServerResponse) => {
    const { method, url, headers } = asked
    const onward = request({ port, host: '127.0.0.1', method, path: url, headers }, (answered) => {
      answer.writeHead(answered.statusCode!, answered.headers)
      answered.pipe(answer)
    })
    asked.pipe(onward)
  }
  const server = createServer((asked, answer) => {
    const fate = front.decide(posts.length)
    posts.push(fate)
    postSockets.add(asked.socket)
    signed.push(String(asked.headers['x-amz-date']))
    if (fate === 'pass') return pass(asked, answer)
    asked.resume()
    if (fate === 'break') asked.socket.destroy()
    else if (fate !== 'silent') answer.writeHead(fate).end('{"message":"made up"}')
  })
  // As it came: the signature is for this host.
  server.on('upgrade', ({ url, rawHeaders }: IncomingMessage, near: Socket, head: Buffer) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true })
    near.setNoDelay(true)
    const lines = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []))
    far.write(`GET ${url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    far.write(head)
    track(near).pipe(track(far)).pipe(near)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
  })
  server.on('connection', track)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const front: Front = {
    endpoint: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/${stage}`,
    posts,
    signed,
    sockets: postSockets,
    decide: () => 'pass',
  }
  return front
}
