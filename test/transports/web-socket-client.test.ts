import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import type { OpenWebSocket, WebSocketOptions } from '../../src/transports/socket/web-socket.js'
import { UpgradeRefused } from '../../src/transports/socket/web-socket-upgrade.js'
import { makeCertificates } from '../support/tls.js'
import { WEB_SOCKETS } from './web-sockets.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const MAX = 400_000
/** A frame's length, and so many bytes: two are more than that. */
const HALF = `\x7f\x00\x00\x00\x00\x00\x04\x00\x00${'a'.repeat(0x40000)}`

/** A client of `ws://127.0.0.1:port`, and what it hears. */
function connectBy(open: OpenWebSocket, port: number, options: Partial<WebSocketOptions> = {}) {
  const heard: { payload: string; text: boolean }[] = []
  let wake = () => {}
  const webSocket = open({
    url: new URL(`ws://127.0.0.1:${port}/path?query=1`),
    maxMessageBytes: MAX,
    onMessage: (payload, text) => {
      heard.push({ payload: payload.toString('latin1'), text })
      wake()
    },
    ...options,
  })
  cleanups.push(async () => {
    webSocket.destroy()
    await webSocket.ended
  })
  return {
    webSocket,
    async hears(count: number) {
      while (heard.length < count)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      return heard
    },
  }
}

async function portOf(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  cleanups.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A server of `ws`: its port, and its side of the next connection. */
async function wsServer(server: Server = createHttpServer()) {
  const webSockets = new WebSocketServer({ server: server as never })
  cleanups.push(() => {
    for (const peer of webSockets.clients) peer.terminate()
  })
  const accepted = once(webSockets, 'connection') as Promise<[WebSocket, IncomingMessage]>
  return { port: await portOf(server), accepted }
}

/** A server that answers an upgrade with these bytes. */
async function rawServer(answer: (key: string) => string | Buffer) {
  const server = createServer((socket) => {
    cleanups.push(() => socket.destroy())
    socket.on('error', () => {})
    socket.once('data', (request) => {
      const key = /sec-websocket-key: (.*)\r\n/i.exec(request.toString())?.[1] ?? ''
      socket.write(answer(key))
    })
  })
  const accepted = once(server, 'connection') as Promise<[Socket]>
  return { port: await portOf(server), accepted }
}

function agreement(key: string, more = ''): string {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`
}

describe.each(WEB_SOCKETS)('$client, with a server of ws', ({ open }) => {
  const connect = (port: number, options: Partial<WebSocketOptions> = {}) => connectBy(open, port, options)

  // On both sides of every length that a frame's header writes in another way.
  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 300_000])(
    'messages of %i bytes pass both ways',
    async (length) => {
      const { port, accepted } = await wsServer()
      const { webSocket, hears } = connect(port)
      await webSocket.opened
      const [peer] = await accepted
      peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }))
      const payload = Buffer.alloc(length, Buffer.from([0x20, 0x41, 0x7a]))
      webSocket.send(payload, {})
      webSocket.send(payload, { text: true })
      expect(await hears(2)).toEqual([
        { payload: payload.toString(), text: false },
        { payload: payload.toString(), text: true },
      ])
    },
  )

  test('it requests the path, with the headers and the subprotocol', async () => {
    const { port, accepted } = await wsServer()
    const { webSocket } = connect(port, { protocol: 'mqtt', headers: { 'x-amz-date': 'today' } })
    await webSocket.opened
    const [peer, { url, headers }] = await accepted
    expect(url).toBe('/path?query=1')
    expect(headers).toMatchObject({ host: `127.0.0.1:${port}`, 'x-amz-date': 'today' })
    expect(peer.protocol).toBe('mqtt')
    expect(peer.extensions).toBe('')
  })

  test('parts form one message, in both directions', async () => {
    const { port, accepted } = await wsServer()
    const { webSocket, hears } = connect(port)
    await webSocket.opened
    const [peer] = await accepted
    const received = once(peer, 'message')
    webSocket.send(Buffer.from('one, '), { text: true, end: false })
    webSocket.ping()
    webSocket.send(Buffer.from('two, '), { text: true, end: false })
    webSocket.send(Buffer.from('three'), { text: true })
    expect((await received)[0].toString()).toBe('one, two, three')
    peer.send('one, ', { fin: false })
    peer.ping()
    peer.send('two', { fin: true })
    expect(await hears(1)).toEqual([{ payload: 'one, two', text: true }])
  })

  test('pings are answered on both sides', async () => {
    let onPong = () => {}
    const ponged = new Promise<void>((resolve) => {
      onPong = resolve
    })
    const { port, accepted } = await wsServer()
    const { webSocket } = connect(port, { onPong })
    await webSocket.opened
    const [peer] = await accepted
    webSocket.ping()
    await ponged
    const answered = once(peer, 'pong')
    peer.ping('who?')
    expect((await answered)[0].toString()).toBe('who?')
  })

  test('its close frame is answered, and ends the peer as well', async () => {
    const { port, accepted } = await wsServer()
    const { webSocket } = connect(port)
    await webSocket.opened
    const [peer] = await accepted
    const closed = once(peer, 'close')
    webSocket.close(1000)
    expect(webSocket.open).toBe(false)
    expect(await webSocket.ended).toEqual({ error: undefined, code: 1000, reason: '' })
    expect((await closed)[0]).toBe(1000)
  })

  test("the peer's close frame gives the reason", async () => {
    const { port, accepted } = await wsServer()
    const { webSocket } = connect(port)
    await webSocket.opened
    const [peer] = await accepted
    const closed = once(peer, 'close')
    peer.close(1009, 'too large')
    expect(await webSocket.ended).toEqual({ error: undefined, code: 1009, reason: 'too large' })
    expect((await closed)[0]).toBe(1009)
  })

  test('a peer that vanishes gives no reason, and later sends fail', async () => {
    const { port, accepted } = await wsServer()
    const { webSocket } = connect(port)
    await webSocket.opened
    const [peer] = await accepted
    peer.terminate()
    expect((await webSocket.ended).code).toBe(1006)
    const error = await new Promise((resolve) => webSocket.send(Buffer.from('x'), {}, resolve))
    expect(error).toBeInstanceOf(Error)
  })

  test('over TLS it checks the certificate and says that HTTP follows', async () => {
    await using certificates = await makeCertificates()
    const { ca, serverCert: cert, serverKey: key } = certificates
    const server = createHttpsServer({ cert, key, ALPNProtocols: ['x-amzn-mqtt-ca', 'http/1.1'] })
    const secured = once(server, 'secureConnection')
    const { port } = await wsServer(server)
    const url = new URL(`wss://localhost:${port}/`)
    const { webSocket } = connect(port, { url, ca })
    await webSocket.opened
    expect((await secured)[0].alpnProtocol).toBe('http/1.1')
    const { webSocket: distrustful } = connect(port, { url })
    expect((await distrustful.ended).error).toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  })
})

describe.each(WEB_SOCKETS)('$client, with any other server', ({ open }) => {
  const connect = (port: number, options: Partial<WebSocketOptions> = {}) => connectBy(open, port, options)

  test('a refusal has its status and its date', async () => {
    const date = 'Sat, 21 Nov 2026 10:00:00 GMT'
    const { port } = await rawServer(() => `HTTP/1.1 403 Forbidden\r\ndate: ${date}\r\n\r\n{"message":"no"}`)
    const { error } = await connect(port).webSocket.ended
    expect(error).toBeInstanceOf(UpgradeRefused)
    expect(error).toMatchObject({ details: { statusCode: 403, date, refused: true } })
  })

  test.each([
    ['no HTTP', () => Buffer.from([0x20, 2, 0, 0]), /does not speak HTTP|Expected HTTP/],
    [
      'a head without an end',
      () => `HTTP/1.1 101 ${'x'.repeat(20_000)}`,
      /head of more than 16384 bytes|Header overflow/,
    ],
    [
      'the agreement to another request',
      () => agreement('another'),
      /another WebSocket upgrade|Invalid Sec-WebSocket-Accept/,
    ],
    [
      'no subprotocol',
      (key: string) => agreement(key),
      /does not speak 'mqtt'.*says nothing|sent no subprotocol/,
    ],
    [
      'another subprotocol',
      (key: string) => agreement(key, 'Sec-WebSocket-Protocol: stomp\r\n'),
      /does not speak 'mqtt'.*'stomp'|invalid subprotocol/,
    ],
  ])('%s is no WebSocket', async (_, answer, message) => {
    const { port } = await rawServer(answer)
    const { webSocket } = connect(port, { protocol: 'mqtt' })
    expect((await webSocket.ended).error?.message).toMatch(message)
  })

  test('messages that arrive byte by byte, with the handshake or long after, are read intact', async () => {
    const { port, accepted } = await rawServer((key) => Buffer.from(`${agreement(key)}\x82\x03a`, 'latin1'))
    const { webSocket, hears } = connect(port)
    const [peer] = await accepted
    await webSocket.opened
    const rest = ['bc', '\x01\x02de', '\x89\x01?', '\x80\x7e\x00\x03fgh'].join('')
    for (const byte of Buffer.from(rest, 'latin1')) {
      await new Promise((resolve) => peer.write(Buffer.of(byte), resolve))
    }
    expect(await hears(2)).toEqual([
      { payload: 'abc', text: false },
      { payload: 'defgh', text: true },
    ])
  })

  test.each([
    ['a masked frame', '\x82\x81\x00\x00\x00\x00a', /no WebSocket frame|Invalid WebSocket frame/],
    ['a bit of an extension', '\xc2\x01a', /no WebSocket frame|Invalid WebSocket frame/],
    ['an unknown opcode', '\x83\x01a', /no WebSocket frame|Invalid WebSocket frame/],
    ['a ping in parts', '\x09\x01a', /no WebSocket frame|Invalid WebSocket frame/],
    [
      'a ping that is too long',
      `\x89\x7e\x00\x7e${'a'.repeat(126)}`,
      /no WebSocket frame|Invalid WebSocket frame/,
    ],
    ['a rest without its beginning', '\x80\x01a', /mixed the frames|Invalid WebSocket frame: invalid opcode/],
    [
      'a message within another',
      '\x01\x01a\x81\x01b',
      /mixed the frames|Invalid WebSocket frame: invalid opcode/,
    ],
    [
      'a frame that announces too much',
      '\x82\x7f\x00\x00\x00\x00\x10\x00\x00\x00',
      /268435456 bytes.*400000|more than 400000 bytes/,
    ],
    ['parts that are too much together', `\x02${HALF}\x00${HALF}`, /more than 400000 bytes/],
  ])('%s ends it', async (_, bytes, message) => {
    const { port } = await rawServer((key) => Buffer.from(agreement(key) + bytes, 'latin1'))
    expect((await connect(port).webSocket.ended).error?.message).toMatch(message)
  })
})
