import fc from 'fast-check'
import { generate, type Packet } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { MqttSplitter, readFilters, readPublish } from '../../src/local/iot/mqtt-packets.js'
import { PacedQueue } from '../../src/local/iot/paced-queue.js'
import { Throughput } from '../../src/local/iot/rate.js'

const publish = (topic: string, payload: Uint8Array, qos: 0 | 1): Packet => ({
  cmd: 'publish',
  topic,
  payload: Buffer.from(payload),
  qos,
  dup: false,
  retain: qos === 1,
  ...(qos === 1 && { messageId: 513 }),
})

describe('MqttSplitter', () => {
  it('finds the same packets however the bytes arrive', () => {
    const packets = [
      generate({ cmd: 'pingreq' }),
      generate(publish('a/漢', Buffer.alloc(300, 1), 1)),
      generate(publish('b', Buffer.alloc(2000, 2), 0)),
      generate({ cmd: 'puback', messageId: 1 }),
      generate(publish('c', Buffer.alloc(0), 0)),
    ]
    const all = Buffer.concat(packets)
    const expected = packets.map((bytes) => bytes.toString('hex'))
    fc.assert(
      fc.property(fc.array(fc.nat(all.length), { maxLength: 40 }), (cuts) => {
        const splitter = new MqttSplitter()
        const edges = [0, ...cuts.sort((a, b) => a - b), all.length]
        const found = edges.slice(1).flatMap((end, i) => splitter.push(all.subarray(edges[i], end)))
        // As text: comparing thousands of bytes one by one takes seconds.
        expect(found.map(({ bytes }) => bytes.toString('hex'))).toEqual(expected)
      }),
    )
  })

  it('throws only on bytes that are not MQTT', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          for (const packet of new MqttSplitter(1000).push(Buffer.from(bytes))) {
            readPublish(packet)
            readFilters(packet)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
          expect((error as Error).message).toMatch(/exceeds 1000|more than 4 bytes/)
        }
      }),
    )
  })

  it('reads packets written by mqtt-packet', () => {
    const [packet] = new MqttSplitter().push(generate(publish('a/漢', Buffer.alloc(300), 1)))
    const expected = { topic: 'a/漢', payloadBytes: 300, qos: 1, retain: true, packetId: 513 }
    expect(readPublish(packet!)).toEqual(expected)
    const subscriptions = ['x', 'y/#'].map((topic) => ({ topic, qos: 0 as const }))
    const [subscribe] = new MqttSplitter().push(generate({ cmd: 'subscribe', messageId: 2, subscriptions }))
    expect(readFilters(subscribe!)).toEqual(['x', 'y/#'])
  })
})

describe('PacedQueue', () => {
  it('keeps its order when a timer is late', () => {
    let now = 0
    const timers: (() => void)[] = []
    const clock = {
      now: () => now,
      schedule(_delayMs: number, callback: () => void) {
        timers.push(callback)
        return () => undefined
      },
    }
    const out: string[] = []
    const queue = new PacedQueue(
      new Throughput(10),
      clock,
      (bytes) => out.push(String(bytes)),
      () => out.push('idle'),
    )
    queue.push(Buffer.from('ten bytes!'))
    queue.push(Buffer.from('later'))
    now = 5000
    queue.push(Buffer.from('last'))
    expect(out).toEqual(['ten bytes!'])
    timers.shift()?.()
    expect(out).toEqual(['ten bytes!', 'later', 'last', 'idle'])
    expect(timers).toEqual([])
  })
})
