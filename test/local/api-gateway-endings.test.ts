import { describe, expect, test } from 'vitest'
import { ManualClock } from '../support/manual-clock.js'
import {
  answering,
  begin,
  connect,
  deferred,
  detail,
  hanging,
  openApi,
  taking,
} from './web-socket-fixture.js'

describe('$disconnect', () => {
  test.each([
    ['its code and reason', [4000, 'bye'], 4000, 'bye'],
    ['none where a client gives none', [], 1005, 'Client-side close frame status not set'],
  ])('reports %s', async (_, [code, reason], disconnectStatusCode, disconnectReason) => {
    const $disconnect = taking()
    const clock = new ManualClock(Date.UTC(2026, 10, 21, 9, 5))
    const api = await openApi({ routes: { $disconnect }, clock })
    const client = await connect(api)
    const connectedAt = clock.now()
    await clock.advance(1000)
    const invoked = detail(api, 'invocation')
    client.socket.close(code as number | undefined, reason as string | undefined)
    await invoked
    const host = new URL(api.endpoint).host
    expect($disconnect.events).toEqual([
      {
        headers: { Host: host, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' },
        multiValueHeaders: { Host: [host], 'x-api-key': [''], 'X-Forwarded-For': [''], 'x-restapi': [''] },
        requestContext: expect.objectContaining({
          routeKey: '$disconnect',
          eventType: 'DISCONNECT',
          connectionId: client.connectionId,
          connectedAt,
          requestTimeEpoch: connectedAt + 1000,
          disconnectStatusCode,
          disconnectReason,
        }),
        isBase64Encoded: false,
      },
    ])
  })

  test('reports a client that vanishes', async () => {
    const $disconnect = taking()
    const api = await openApi({ routes: { $disconnect } })
    const client = await connect(api)
    const invoked = detail(api, 'invocation')
    client.socket.terminate()
    await invoked
    expect($disconnect.events[0]?.requestContext).toMatchObject({ disconnectStatusCode: 1006 })
  })

  test('reports a client that vanished while it was connecting', async () => {
    const connecting = deferred<void>()
    const gone = deferred<void>()
    const $disconnect = taking()
    const $connect = answering(async () => {
      connecting.resolve()
      await gone.promise
      return { statusCode: 200 }
    })
    const api = await openApi({ routes: { $connect, $disconnect } })
    const client = await begin(api)
    await connecting.promise
    const ended = detail(api, 'disconnect')
    client.socket.terminate()
    await client.closed
    gone.resolve()
    await ended
    expect($disconnect.events).toHaveLength(1)
  })
})

describe('cut', () => {
  test('breaks one connection without a goodbye', async () => {
    const $disconnect = taking()
    const api = await openApi({ routes: { $disconnect } })
    const [client, other] = [await connect(api), await connect(api)]
    const ended = detail(api, 'disconnect')
    api.cut({ connectionId: client.connectionId })
    expect(await client.closed).toBe(1006)
    expect(await ended).toMatchObject({ connectionId: client.connectionId, code: 1006 })
    expect(api.connections()).toMatchObject([{ connectionId: other.connectionId }])
    expect($disconnect.events).toHaveLength(1)
  })

  test('need not be reported', async () => {
    const $disconnect = taking()
    const api = await openApi({ routes: { $disconnect } })
    const clients = [await connect(api), await connect(api)]
    api.cut({ unreported: true })
    expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual([1006, 1006])
    expect([api.stats().connections, $disconnect.events]).toEqual([0, []])
  })

  test('silently leaves a dead socket open, unnoticed by both sides', async () => {
    const clock = new ManualClock()
    const $default = taking()
    const api = await openApi({ routes: { $default }, clock })
    const client = await connect(api)
    const { connectionId } = client
    api.cut({ connectionId, silently: true })
    let pongs = 0
    client.socket.on('pong', () => {
      pongs += 1
    })
    client.socket.ping()
    client.send('into the void')
    const post = () =>
      fetch(`${api.managementEndpoint}/@connections/${connectionId}`, { method: 'POST', body: 'x' })
    expect((await post()).status).toBe(200)
    const heard = client.message()
    await clock.advance(600_000)
    expect([(await post()).status, client.socket.readyState, $default.events]).toEqual([410, 1, []])
    await api.close()
    await client.closed
    expect([await Promise.race([heard, 'nothing']), pongs]).toEqual(['nothing', 0])
  })
})

test('closing is idempotent, leaves nothing, and invokes no function', async () => {
  const clock = new ManualClock()
  const $disconnect = taking()
  const $default = hanging()
  const api = await openApi({ routes: { $disconnect, $default }, clock })
  const client = await connect(api)
  client.send('never answered')
  await $default.asked
  const invocation = detail(api, 'invocation')
  await api.close()
  await api.close()
  expect(await client.closed).toBe(1006)
  expect(await invocation).toMatchObject({ outcome: { kind: 'closed' } })
  expect([$disconnect.events, clock.pending, api.connections()]).toEqual([[], 0, []])
  await expect(fetch(api.managementEndpoint)).rejects.toThrow()
})
