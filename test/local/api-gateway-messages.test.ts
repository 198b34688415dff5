import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameHeads } from '../../src/local/api-gateway/web-socket-frames.js'
import { ManualClock } from '../support/manual-clock.js'
import { answering, type Client, connect, detail, hanging, openApi, taking } from './web-socket-fixture.js'

const MINUTE = 60_000

describe('a message', () => {
  test('reaches the route of its action, or $default', async () => {
    const [$default, join] = [taking(), taking()]
    const clock = new ManualClock(Date.UTC(2026, 10, 21, 9, 5))
    const api = await openApi({ routes: { $connect: taking(), $default, join }, clock })
    const client = await connect(api)
    for (const text of [
      '{"action":"join"}',
      'plain',
      '{"action":"other"}',
      '{"action":"$connect"}',
      '{no json',
    ]) {
      const done = detail(api, 'invocation')
      client.send(text)
      await done
    }
    expect(join.events).toEqual([
      {
        requestContext: expect.objectContaining({
          routeKey: 'join',
          eventType: 'MESSAGE',
          messageDirection: 'IN',
          messageId: expect.any(String),
          connectionId: client.connectionId,
          connectedAt: clock.now(),
          requestTimeEpoch: clock.now(),
          domainName: new URL(api.endpoint).host,
          stage: 'live',
        }),
        body: '{"action":"join"}',
        isBase64Encoded: false,
      },
    ])
    expect($default.events.map(({ body }) => body)).toEqual([
      'plain',
      '{"action":"other"}',
      '{"action":"$connect"}',
      '{no json',
    ])
    expect(api.stats()).toMatchObject({
      messages: { join: 1, $default: 4 },
      invocations: { $connect: 1, join: 1, $default: 4 },
    })
  })

  test('to a mock invokes no function and gets no answer', async () => {
    const $default = taking()
    const api = await openApi({ routes: { $connect: taking(), $default, ping: 'mock' } })
    const client = await connect(api)
    const invoked = detail(api, 'invocation')
    client.send('{"action":"ping"}')
    client.send('real')
    expect(await invoked).toMatchObject({ routeKey: '$default' })
    expect(api.stats()).toMatchObject({
      messages: { ping: 1, $default: 1 },
      invocations: { $connect: 1, $default: 1 },
    })
    expect($default.events).toHaveLength(1)
  })

  test('gets an error if its function fails, and no answer if it returns', async () => {
    const $default = answering(({ body }) => {
      if (body === 'fail') throw new Error('broken')
      return { statusCode: 500, body: 'not for the client' }
    })
    const api = await openApi({ routes: { $connect: taking(), $default } })
    const client = await connect(api)
    client.send('return')
    client.send('fail')
    expect(JSON.parse(await client.message())).toEqual({
      message: 'Internal server error',
      connectionId: client.connectionId,
      requestId: expect.any(String),
    })
  })

  test('gets an error if its function takes 29 s', async () => {
    const clock = new ManualClock()
    const $default = hanging()
    const api = await openApi({ routes: { $connect: taking(), $default }, clock })
    const client = await connect(api)
    client.send('slow')
    await $default.asked
    await clock.advance(29_000)
    expect(JSON.parse(await client.message())).toMatchObject({ message: 'Endpoint request timed out' })
  })

  test('without a route is forbidden', async () => {
    const api = await openApi({ routes: { $connect: taking() } })
    const client = await connect(api)
    client.send('anything')
    expect(JSON.parse(await client.message())).toMatchObject({ message: 'Forbidden' })
  })

  test('over the account’s rate is answered with an error', async () => {
    const $default = taking()
    const api = await openApi({
      routes: { $default },
      clock: new ManualClock(),
      limits: { requestsPerSecond: 2 },
    })
    const client = await connect(api)
    client.send('one')
    client.send('two')
    expect(JSON.parse(await client.message())).toMatchObject({ message: 'Too Many Requests' })
    expect($default.events.map(({ body }) => body)).toEqual(['one'])
  })
})

describe('a size', () => {
  test('of 128 KB in frames of 32 KB passes', async () => {
    const $default = taking()
    const api = await openApi({ routes: { $default } })
    const client = await connect(api)
    const invoked = detail(api, 'invocation')
    inFrames(client, 131_072, 32_768)
    await invoked
    expect($default.events[0]?.body).toBe('x'.repeat(131_072))
  })

  test.each([
    ['a frame of one byte more', 32_769, 32_769, 'Frame of 32769 bytes exceeds 32768'],
    ['a message of one byte more', 131_073, 32_768, 'Message of 131073 bytes or more exceeds 131072'],
    ['a frame of megabytes', 8_000_000, 8_000_000, 'Frame of 8000000 bytes exceeds 32768'],
  ])('is too large for %s: 1009', async (_, bytes, frameBytes, reason) => {
    const $default = taking()
    const api = await openApi({ routes: { $default } })
    const client = await connect(api)
    const ended = detail(api, 'disconnect')
    inFrames(client, bytes, frameBytes)
    expect(await ended).toEqual({ connectionId: client.connectionId, code: 1009, reason })
    expect(await client.closed).toBe(1009)
    expect($default.events).toEqual([])
  })

  test('is counted in bytes', async () => {
    const api = await openApi({ limits: { frameBytes: 8 } })
    const client = await connect(api)
    client.send('漢漢漢')
    expect(await client.closed).toBe(1009)
  })
})

test('a binary frame closes with 1003', async () => {
  const $default = taking()
  const api = await openApi({ routes: { $default } })
  const client = await connect(api)
  client.socket.send(Buffer.from('bytes'))
  expect(await client.closed).toBe(1003)
  expect($default.events).toEqual([])
})

describe('time', () => {
  test('without a message ends a connection after ten minutes: 1001', async () => {
    const clock = new ManualClock()
    const api = await openApi({ clock })
    const client = await connect(api)
    await clock.advance(10 * MINUTE - 1)
    expect(api.stats().connections).toBe(1)
    await clock.advance(1)
    expect(await client.closed).toBe(1001)
    expect([api.stats().connections, clock.pending]).toEqual([0, 0])
  })

  test('is counted from the last message in either direction, not from a WebSocket ping', async () => {
    const clock = new ManualClock()
    const api = await openApi({ clock, routes: { ping: 'mock' } })
    const client = await connect(api)
    await clock.advance(9 * MINUTE)
    await said(client, api)
    await clock.advance(9 * MINUTE)
    await fetch(`${api.managementEndpoint}/@connections/${client.connectionId}`, {
      method: 'POST',
      body: 'x',
    })
    await clock.advance(9 * MINUTE)
    const pong = new Promise((resolve) => client.socket.once('pong', resolve))
    client.socket.ping()
    await pong
    expect(api.stats().connections).toBe(1)
    await clock.advance(MINUTE)
    expect(await client.closed).toBe(1001)
  })

  test('of two hours ends a connection, however busy: 1001', async () => {
    const clock = new ManualClock()
    const api = await openApi({ clock, routes: { ping: 'mock' } })
    const client = await connect(api)
    for (let minute = 0; minute < 115; minute += 5) {
      await clock.advance(5 * MINUTE)
      await said(client, api)
    }
    await clock.advance(5 * MINUTE - 1)
    expect(api.stats().connections).toBe(1)
    await clock.advance(1)
    expect(await client.closed).toBe(1001)
  })
})

test('limits are checked by name', async () => {
  await expect(openApi({ limits: { frameByte: 1 } as never })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining("'limits.frameByte'"),
  })
  await expect(openApi({ limits: { idleMs: -1 } })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test('frame heads are read from pieces of any size', () => {
  const frame = fc.record({
    opcode: fc.constantFrom(0, 1, 2, 8, 9, 10),
    length: fc.oneof(fc.nat(130), fc.integer({ min: 65_530, max: 65_540 })),
    masked: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 5 }),
      fc.array(fc.nat(40), { maxLength: 30 }),
      (frames, cuts) => {
        const bytes = Buffer.concat(
          frames.map(({ opcode, length, masked }) => encode(opcode, length, masked)),
        )
        const heads = new FrameHeads()
        const found: unknown[] = []
        let at = 0
        for (const cut of cuts) {
          found.push(...heads.push(bytes.subarray(at, at + cut)))
          at += cut
        }
        found.push(...heads.push(bytes.subarray(at)))
        expect(found).toEqual(frames.map(({ opcode, length }) => ({ opcode, length })))
      },
    ),
  )
})

function inFrames({ socket }: Client, bytes: number, frameBytes: number): void {
  for (let at = 0; at < bytes; at += frameBytes) {
    const part = Math.min(frameBytes, bytes - at)
    socket.send('x'.repeat(part), { fin: at + part >= bytes })
  }
}

/** Sends what a mock takes, and waits until it is there. */
async function said(client: Client, api: Awaited<ReturnType<typeof openApi>>): Promise<void> {
  const message = detail(api, 'message')
  client.send('{"action":"ping"}')
  await message
}

function encode(opcode: number, length: number, masked: boolean): Buffer {
  const short = length > 65_535 ? 127 : length > 125 ? 126 : length
  const extended = Buffer.alloc(short === 127 ? 8 : short === 126 ? 2 : 0)
  if (short === 127) extended.writeBigUInt64BE(BigInt(length))
  if (short === 126) extended.writeUInt16BE(length)
  const head = Buffer.from([0x80 | opcode, (masked ? 0x80 : 0) | short])
  return Buffer.concat([head, extended, Buffer.alloc(masked ? 4 : 0, 7), Buffer.alloc(length, 1)])
}
