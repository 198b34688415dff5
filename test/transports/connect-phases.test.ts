import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.js'
import { ManualClock } from '../support/manual-clock.js'
import { SIDES as GATEWAY_SIDES } from './api-gateway-fixture.js'
import { CLIENTS } from './clients.js'
import { failure, Inbox, stub } from './inbox.js'

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const refusing = () => listening(createHttpServer((_, response) => response.writeHead(403).end()))
const speaksNoTls = () => listening(createServer((socket) => socket.end('no TLS')))

describe.each([
  ...CLIENTS.map(({ client, make }) => ({ client, plain: 'mqtt', secure: 'mqtts', make })),
  ...CLIENTS.map(({ client, make }) => ({ client, plain: 'ws', secure: 'wss', make })),
  ...GATEWAY_SIDES.map(({ side, make }) => ({
    client: side,
    plain: 'ws',
    secure: 'wss',
    make: ({ url, ...options }: { url: string; clock?: ManualClock }) => make({ endpoint: url, ...options }),
  })),
])('$client, $plain:', ({ plain, secure, make }) => {
  const during = async (url: string): Promise<unknown> =>
    ((await failure(make({ url }).connect(stub, new Inbox()))).details as { during?: unknown }).during

  test('a failure says how far it came', async () => {
    expect(await during(`${plain}://nowhere.invalid/`)).toBe('resolve')
    expect(await during(`${plain}://127.0.0.1:${await freePort()}/`)).toBe('socket')
    expect(await during(`${secure}://127.0.0.1:${await speaksNoTls()}/`)).toBe('tls')
    if (plain === 'ws') expect(await during(`ws://127.0.0.1:${await refusing()}/`)).toBe('upgrade')
  })

  test('the time-out says how far it came', async () => {
    const server = createServer()
    const port = await listening(server)
    for (const [url, phase] of [
      [`${secure}://127.0.0.1:${port}/`, 'tls'],
      ...(plain === 'ws' ? [[`ws://127.0.0.1:${port}/`, 'upgrade']] : []),
    ] as const) {
      const clock = new ManualClock()
      const heard = once(server, 'connection').then(([socket]) => once(socket as Socket, 'data'))
      const connecting = failure(make({ url: url!, clock }).connect(stub, new Inbox()))
      await heard
      clock.advance(10_000)
      expect(await connecting).toMatchObject({ code: 'UNREACHABLE', details: { during: phase } })
    }
  })
})
