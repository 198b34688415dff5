import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { TextSocket } from '../../src/transports/api-gateway/socket.js'
import { ManualClock } from '../support/manual-clock.js'
import { WEB_SOCKETS } from './web-sockets.js'

test.each(WEB_SOCKETS)('$client takes binary messages as texts', async ({ open }) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => server.close())
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[WebSocket]>
  const texts: string[] = []
  let wake = () => {}
  const both = new Promise<void>((resolve) => {
    wake = resolve
  })
  const socket = await TextSocket.open(
    {
      openWebSocket: open,
      url: new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`),
      headers: {},
      clock: new ManualClock(),
      onText: (text) => {
        if (texts.push(text) === 2) wake()
      },
    },
    new AbortController().signal,
  )
  const [peer] = await accepted
  peer.send(Buffer.from('{"binary":"ä"}'), { binary: true })
  peer.send('{"text":"ä"}')
  await both
  expect(texts).toEqual(['{"binary":"ä"}', '{"text":"ä"}'])
  await socket.close()
})
