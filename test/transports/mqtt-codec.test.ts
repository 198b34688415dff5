import fc from 'fast-check'
import { generate, type Packet, parser } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import {
  DISCONNECT,
  encodeConnect,
  encodePublish,
  encodeSubscribe,
  PacketDecoder,
  PINGREQ,
  type ServerPacket,
} from '../../src/transports/mqtt/codec.js'

/** The reference's reading of what we wrote. */
function read(bytes: Uint8Array): Packet {
  const packets: Packet[] = []
  const reference = parser({ protocolVersion: 4 })
  reference.on('packet', (packet) => packets.push(packet))
  reference.on('error', (error) => {
    throw error
  })
  expect(reference.parse(Buffer.from(bytes))).toBe(0)
  expect(packets).toHaveLength(1)
  return packets[0]!
}

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 })
const topic = text.filter((it) => !/[+#\0]/.test(it))

describe('a packet that the small client writes', () => {
  test('CONNECT equals the bytes of mqtt-packet', () => {
    fc.assert(
      fc.property(
        text,
        fc.integer({ min: 0, max: 65_535 }),
        fc.option(text, { nil: undefined }),
        fc.option(text, { nil: undefined }),
        (clientId, keepAliveSeconds, username, word) => {
          const password = username === undefined ? undefined : word
          const credentials = {
            ...(username !== undefined && { username }),
            ...(password !== undefined && { password }),
          }
          const reference = generate({
            cmd: 'connect',
            protocolId: 'MQTT',
            protocolVersion: 4,
            clean: true,
            clientId,
            keepalive: keepAliveSeconds,
            ...(username !== undefined && { username }),
            ...(password !== undefined && { password: Buffer.from(password) }),
          })
          expect(Buffer.from(encodeConnect({ clientId, keepAliveSeconds, ...credentials }))).toEqual(
            reference,
          )
        },
      ),
    )
  })

  test('SUBSCRIBE equals the bytes of mqtt-packet', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 65_535 }),
        fc.array(text, { minLength: 1, maxLength: 8 }),
        (messageId, filters) => {
          const subscriptions = filters.map((filter) => ({ topic: filter, qos: 0 as const }))
          const reference = generate({ cmd: 'subscribe', messageId, subscriptions })
          expect(Buffer.from(encodeSubscribe(messageId, filters))).toEqual(reference)
        },
      ),
    )
  })

  test('PUBLISH is read by mqtt-packet, at every width of its length', () => {
    const sizes = [0, 1, 127, 128, 16_383, 16_384, 131_072, 2_097_151, 2_097_152]
    const payload = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(...sizes).map((size) => new Uint8Array(size).fill(0x7e)),
    )
    fc.assert(
      fc.property(topic, payload, (name, body) => {
        const packet = read(encodePublish(name, body))
        expect(packet).toMatchObject({ cmd: 'publish', topic: name, qos: 0, dup: false, retain: false })
        expect(Buffer.compare((packet as { payload: Buffer }).payload, body)).toBe(0)
      }),
    )
  })

  test('PINGREQ and DISCONNECT equal the bytes of mqtt-packet', () => {
    expect(Buffer.from(PINGREQ)).toEqual(generate({ cmd: 'pingreq' }))
    expect(Buffer.from(DISCONNECT)).toEqual(generate({ cmd: 'disconnect' }))
  })
})

const fromServer: fc.Arbitrary<{ bytes: Buffer; packet: ServerPacket }> = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 4, 5).map((returnCode) => ({
    bytes: generate({ cmd: 'connack', returnCode, sessionPresent: returnCode === 1 }),
    packet: { type: 'connack' as const, returnCode },
  })),
  fc
    .tuple(fc.integer({ min: 1, max: 65_535 }), fc.array(fc.constantFrom(0, 1, 2, 0x80), { minLength: 1 }))
    .map(([packetId, granted]) => ({
      bytes: generate({ cmd: 'suback', messageId: packetId, granted }),
      packet: { type: 'suback' as const, packetId, granted },
    })),
  fc.tuple(topic, fc.uint8Array({ maxLength: 20_000 }), fc.boolean()).map(([name, body, retain]) => ({
    bytes: generate({ cmd: 'publish', topic: name, payload: Buffer.from(body), qos: 0, dup: false, retain }),
    packet: { type: 'publish' as const, topic: name, payload: body },
  })),
  fc.constant({ bytes: generate({ cmd: 'pingresp' }), packet: { type: 'pingresp' as const } }),
)

/** Cuts bytes at the given places, given as fractions. */
function cut(bytes: Buffer, fractions: readonly number[]): Buffer[] {
  const places = [
    0,
    ...fractions.map((it) => Math.floor(it * bytes.length)).sort((a, b) => a - b),
    bytes.length,
  ]
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })

describe('the small client reads', () => {
  test('every packet of mqtt-packet, at any split of the bytes', () => {
    fc.assert(
      fc.property(fc.array(fromServer, { minLength: 1, maxLength: 8 }), cuts, (packets, fractions) => {
        const decoder = new PacketDecoder(100_000)
        const bytes = Buffer.concat(packets.map((one) => one.bytes))
        const read = cut(bytes, fractions).flatMap((chunk) => [...decoder.push(chunk)])
        expect(read.map(plain)).toEqual(packets.map(({ packet }) => plain(packet)))
      }),
      { numRuns: 300 },
    )
  })

  test('every packet, byte by byte', () => {
    fc.assert(
      fc.property(fromServer, ({ bytes, packet }) => {
        fc.pre(bytes.length < 2_000)
        const decoder = new PacketDecoder(100_000)
        const read = [...bytes].flatMap((byte) => [...decoder.push(Buffer.from([byte]))])
        expect(read.map(plain)).toEqual([plain(packet)])
      }),
    )
  })

  test('arbitrary bytes only as packets or as an Error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), cuts, (bytes, fractions) => {
        const decoder = new PacketDecoder(100_000)
        try {
          for (const chunk of cut(Buffer.from(bytes), fractions)) for (const _ of decoder.push(chunk));
        } catch (error) {
          expect((error as Error).message).toMatch(/^it sent /)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('a packet of exactly the largest size, and none that announces one more byte', () => {
    const packet = Buffer.from(encodePublish('t', new Uint8Array(1_000)))
    expect([...new PacketDecoder(packet.length).push(packet)]).toHaveLength(1)
    // The header alone is enough.
    expect(() => [...new PacketDecoder(packet.length - 1).push(packet.subarray(0, 3))]).toThrow(
      /1006 bytes.*1005/,
    )
  })
})

function plain(packet: ServerPacket): unknown {
  return packet.type === 'publish'
    ? { ...packet, payload: Buffer.from(packet.payload).toString('hex') }
    : packet
}
