import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import type { OpenWebSocket } from '../../src/transports/socket/web-socket.js'
import { WebSocketStream } from '../../src/transports/socket/web-socket-stream.js'
import { WEB_SOCKETS } from './web-sockets.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function connected(open: OpenWebSocket): Promise<{ stream: WebSocketStream; peer: WebSocket }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  cleanups.push(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, 'connection')
  const stream = new WebSocketStream(open, { url: new URL(`ws://127.0.0.1:${port}/mqtt`) })
  const [peer] = (await accepted) as [WebSocket]
  await stream.opened
  cleanups.push(() => peer.terminate())
  cleanups.push(async () => {
    stream.destroy()
    if (!stream.closed) await once(stream, 'close')
  })
  return { stream, peer }
}

describe.each(WEB_SOCKETS)('$client', ({ open }) => {
  test('it speaks the subprotocol mqtt, and sends a packet written in pieces as one message', async () => {
    const { stream, peer } = await connected(open)
    expect(peer.protocol).toBe('mqtt')
    const arrived = once(peer, 'message')
    stream.cork()
    stream.write('one, ')
    stream.write('two')
    stream.uncork()
    const [data, isBinary] = await arrived
    expect(String(data)).toBe('one, two')
    expect(isBinary).toBe(true)
  })

  test('unread data stays with the peer', async () => {
    const { stream, peer } = await connected(open)
    const [messages, bytes] = [64, 1024 * 1024]
    for (let number = 0; number < messages; number++) peer.send(Buffer.alloc(bytes, number))
    // Enough turns for all of it to come; a single one reads megabytes.
    for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(stream.readableLength).toBeLessThan(8 * bytes)
    const counts = new Map<number, number>()
    let total = 0
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += bytes)
        counts.set(chunk[at]!, (counts.get(chunk[at]!) ?? 0) + 1)
      total += chunk.length
      if (total === messages * bytes) break
    }
    expect([...counts.keys()]).toEqual(Array.from({ length: messages }, (_, number) => number))
  })

  test('the end of the peer ends the stream, and the end of the stream sends a close frame', async () => {
    const { stream, peer } = await connected(open)
    peer.close(1000)
    stream.resume()
    await once(stream, 'end')
    const { stream: second, peer: other } = await connected(open)
    const closed = once(other, 'close')
    second.end('last')
    expect((await closed)[0]).toBe(1000)
  })
})
