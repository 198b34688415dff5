import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CLIENTS } from './clients.js'
import { failure, Inbox, stub } from './inbox.js'
import { connected, ScriptedBroker } from './scripted-broker.js'

// What the `mqtt` package would answer, with a packet id that is not there, and throw in a tick of its own.
const UNANSWERABLE: readonly (readonly [string, Buffer])[] = [
  ['a PUBLISH at QoS 1', Buffer.from([0x32, 5, 0, 1, 0x78, 0, 7])],
  ['a PUBLISH at QoS 1 that ends before its packet id', Buffer.from([0x32, 3, 0, 1, 0x78])],
  ['a PUBLISH at QoS 2 that ends before its packet id', Buffer.from([0x34, 3, 0, 1, 0x78])],
  ['a PUBREL without a packet id', Buffer.from([0x62, 0])],
  ['a PUBREC without a packet id', Buffer.from([0x50, 0])],
  ['a CONNECT', Buffer.from([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 1, 0x78])],
  ['a second CONNACK', Buffer.from([0x20, 2, 0, 0])],
]

/** A packet of any kind with any body, its length told truly; with the flags that the kind must have, or others. */
const anyPacket = fc
  .record({
    type: fc.integer({ min: 0, max: 15 }),
    flags: fc.oneof(fc.constantFrom(0, 2), fc.integer({ min: 0, max: 15 })),
    body: fc.uint8Array({ maxLength: 60 }),
  })
  .map(({ type, flags, body }) => Buffer.from([(type << 4) | flags, body.length, ...body]))

describe.each(CLIENTS)('$client', ({ make }) => {
  test.each(UNANSWERABLE)(
    'ends a connection on which %s arrives, and does no other harm',
    async (_what, bytes) => {
      await using broker = await ScriptedBroker.listen()
      const { connection, inbox, peer } = await connected(broker, make)
      peer.socket.write(bytes)
      expect(await connection.closed).toMatchObject({ code: 'UNREACHABLE' })
      expect(inbox.size).toBe(0)
    },
  )

  // An exception that nobody catches would fail the run.
  test('survives packets of every kind, connected or connecting', async () => {
    await using broker = await ScriptedBroker.listen()
    await fc.assert(
      fc.asyncProperty(fc.array(anyPacket, { minLength: 1, maxLength: 4 }), async (packets) => {
        const { connection, peer } = await connected(broker, make)
        peer.socket.end(Buffer.concat(packets))
        expect(await connection.closed).toMatchObject({ code: 'UNREACHABLE' })

        const connecting = failure(make({ url: broker.url }).connect(stub, new Inbox()))
        const next = await broker.accept()
        await next.next('connect')
        next.socket.end(Buffer.concat(packets))
        expect(await connecting).toMatchObject({ code: expect.stringMatching(/UNREACHABLE|INVALID_OPTION/) })
      }),
      { numRuns: 150 },
    )
  })
})
