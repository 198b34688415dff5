import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMessage, encodeMessage, peekInvocationId } from '../../src/core/wire/codec.js'
import { compress, decompress, packBody } from '../../src/core/wire/compress.js'
import {
  AssociatedData,
  decodeHeader,
  encodeDestination,
  encodeHeader,
  type FrameHeader,
  splitMessage,
} from '../../src/core/wire/frame.js'
import type { InvokeMessage } from '../../src/core/wire/protocol.js'
import { Reassembly } from '../../src/core/wire/reassembly.js'
import { generateKey, rootKey, senderKey } from '../../src/core/wire/seal.js'
import { ManualClock } from '../support/manual-clock.js'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array) => Buffer.from(array).toString('hex'))
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const header: fc.Arbitrary<FrameHeader> = fc
  .record({
    kind: fc.constantFrom('session', 'stub', 'refused'),
    keyId: hex(4),
    senderId: hex(16),
    messageNumber: fc.maxSafeNat(),
    index: u32,
    count: u32,
    totalBytes: u32,
    from: fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((name) => Buffer.byteLength(name) <= 100 && Buffer.from(name).toString() === name),
  })
  .filter(({ index, count }) => index < count)

const invoke: InvokeMessage = {
  type: 'invoke',
  id: 'id-1',
  functionId: 'api',
  context: {
    awsRequestId: 'r',
    functionName: 'f',
    functionVersion: '1',
    invokedFunctionArn: 'arn',
    memoryLimitInMB: '128',
    logGroupName: 'g',
    logStreamName: 's',
  },
  remainingMs: 1,
  ageMs: 0,
  sentAt: 1,
  envFingerprint: 'fp',
  env: Buffer.from('{"A":"b"}'),
  event: Buffer.from('{"event":"{}"}'),
  settled: ['x'],
  epoch: 0,
}

describe('frames', () => {
  it('carry any header and part, and give them back', () => {
    fc.assert(
      fc.property(header, fc.uint8Array(), (written, part) => {
        const read = decodeHeader(Buffer.concat([encodeHeader(written), part]))
        expect(read.header).toEqual(written)
        expect(Buffer.from(part).equals(read.bytes.subarray(read.headBytes))).toBe(true)
      }),
    )
  })

  it('refuse arbitrary bytes with a typed error and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeHeader(bytes)
        } catch (error) {
          expect(error).toMatchObject({ name: 'TetherError', code: 'PROTOCOL' })
        }
      }),
    )
  })

  it('split by bytes into parts that join to the same', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 5_000 }),
        fc.integer({ min: 1, max: 999 }),
        (message, partBytes) => {
          const parts = splitMessage(message, partBytes)
          expect(parts.every((part) => part.length <= partBytes)).toBe(true)
          expect(Buffer.concat(parts).equals(message)).toBe(true)
          expect(parts.length).toBeGreaterThan(0)
        },
      ),
    )
  })
})

describe('sealing', () => {
  const root = rootKey(generateKey())
  const scope = { app: 'shop', stage: 'dev', direction: 'stub' as const, senderId: '0'.repeat(32) }
  const to = encodeDestination({ app: 'shop', stage: 'dev', role: 'session', name: 'default' })
  const sealed = (written: FrameHeader, part: Uint8Array) =>
    senderKey(root, scope).seal(new AssociatedData(encodeHeader(written), to), part)
  const open = (frame: Uint8Array, destination = to, key = root, from: typeof scope | object = {}) => {
    const read = decodeHeader(frame)
    // As long as it will be; what it says is taken from the frame.
    const associated = new AssociatedData(Buffer.alloc(read.headBytes), destination)
    return senderKey(key, { ...scope, ...from }).open(associated, read)
  }

  it('opens what it sealed', () => {
    fc.assert(
      fc.property(header, fc.uint8Array(), (written, part) => {
        expect(open(sealed(written, part))?.equals(part)).toBe(true)
      }),
    )
  })

  it('opens nothing of which any bit was changed', () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ minLength: 1 }), fc.nat(), fc.nat(7), (written, part, at, bit) => {
        const frame = sealed(written, part)
        frame[at % frame.length]! ^= 1 << bit
        try {
          expect(open(frame)).toBeUndefined()
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROTOCOL' })
        }
      }),
    )
  })

  it('opens nothing for another receiver, key, application, stage, direction or sender', () => {
    const written = decodeHeader(
      encodeHeader({
        kind: 'stub',
        keyId: root.id,
        senderId: scope.senderId,
        messageNumber: 1,
        index: 0,
        count: 1,
        totalBytes: 3,
        from: 'env',
      }),
    ).header
    const frame = sealed(written, Buffer.from('abc'))
    expect(open(frame)?.toString()).toBe('abc')
    for (const other of [{ app: 'b' }, { stage: 'b' }, { role: 'stub' as const }, { name: 'b' }]) {
      const destination = encodeDestination({
        app: 'shop',
        stage: 'dev',
        role: 'session',
        name: 'default',
        ...other,
      })
      expect(open(frame, destination)).toBeUndefined()
    }
    expect(open(frame, to, rootKey(generateKey()))).toBeUndefined()
    for (const other of [
      { app: 'b' },
      { stage: 'b' },
      { direction: 'session' },
      { senderId: '1'.repeat(32) },
    ]) {
      expect(open(frame, to, root, other)).toBeUndefined()
    }
  })

  it('reads keys as base64url, hex or bytes, and never shows a wrong one', () => {
    const bytes = Buffer.alloc(32, 7)
    const ids = [bytes, bytes.toString('hex'), bytes.toString('base64url')].map((key) => rootKey(key).id)
    expect(new Set(ids).size).toBe(1)
    expect(() => rootKey('hunter2')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    )
    expect(() => rootKey(new Uint8Array(31))).toThrow(/32 bytes/)
  })
})

describe('messages', () => {
  it('cross with their binary fields apart from the rest', () => {
    const bytes = encodeMessage(invoke)
    expect(decodeMessage(bytes, 'stub')).toEqual(invoke)
    expect(peekInvocationId(bytes)).toBe('id-1')
    const { env: _, ...without } = invoke
    expect(decodeMessage(encodeMessage(without), 'stub')).toEqual(without)
  })

  it('carry a body packed where it was packed, and else as it is', () => {
    const event = Buffer.from(JSON.stringify({ text: 'abc'.repeat(1_000) }))
    const packed = encodeMessage({ ...invoke, event: packBody(event) })
    expect(packed.length).toBeLessThan(event.length / 2)
    expect(decodeMessage(packed, 'stub')).toEqual({ ...invoke, event })
    expect(encodeMessage({ ...invoke, event }).includes(event)).toBe(true)
  })

  it('refuse a body that is too large for the other side, however small it is packed', () => {
    const body = packBody(Buffer.alloc(8 * 1024 * 1024 + 1))
    const result = { type: 'result', id: 'a', session: 's', epoch: 0, body } as const
    expect(() => encodeMessage(result)).toThrow(/has 8388609 bytes; at most 8388608 travel/)
  })

  it('keep nested fields that are named like binary ones', () => {
    const nested = {
      ...invoke,
      context: { ...invoke.context, clientContext: { event: 1, env: { a: 1 }, body: 'x' } },
    }
    expect(decodeMessage(encodeMessage(nested), 'stub')).toEqual(nested)
  })

  it('are refused in the wrong direction, of an unknown type, or with a wrong field', () => {
    expect(() => decodeMessage(encodeMessage(invoke), 'session')).toThrow(
      /a session sends none of type "invoke"/,
    )
    for (const type of ['explode', '__proto__', 'constructor', 3]) {
      const head = Buffer.from(JSON.stringify({ type, id: 'a' }))
      const bytes = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, head.length]), head])
      expect(() => decodeMessage(bytes, 'stub')).toThrow(/sends none of type/)
    }
    for (const wrong of [
      { id: 1 },
      { settled: [1] },
      { remainingMs: -1 },
      { context: {} },
      { stored: { key: 1 } },
    ]) {
      expect(() => decodeMessage(encodeMessage({ ...invoke, ...wrong } as never), 'stub')).toThrow(
        /is not what it should be|neither here nor in the store/,
      )
    }
  })

  it('never throw anything but a typed error for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        peekInvocationId(Buffer.from(bytes))
        expect(() => decodeMessage(Buffer.from(bytes), 'stub')).toThrow(
          expect.objectContaining({ code: 'PROTOCOL' }),
        )
      }),
    )
  })
})

describe('compression', () => {
  it('gives back any body, and is left out where it gains nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), fc.integer({ min: 1, max: 20 }), (bytes, times) => {
        const body = Buffer.concat(Array.from({ length: times }, () => bytes))
        const compressed = compress(body)
        if (compressed === undefined) return
        expect(compressed.length).toBeLessThan(body.length)
        expect(decompress(compressed, body.length).equals(body)).toBe(true)
      }),
    )
    expect(compress(Buffer.alloc(1_299))).toBeUndefined()
    expect(compress(randomBytes(100_000))).toBeUndefined()
  })

  it('never makes more than the maximum, whatever was sent', () => {
    const bomb = compress(Buffer.alloc(9 * 1024 * 1024))!
    expect(bomb.length).toBeLessThan(10_000)
    expect(() => decompress(bomb, 8 * 1024 * 1024)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
    expect(() => decompress(Buffer.from('no brotli'), 100)).toThrow(
      expect.objectContaining({ code: 'PROTOCOL' }),
    )
  })
})

describe('reassembly', () => {
  const part = (index: number, count: number, totalBytes: number) =>
    ({ index, count, totalBytes }) as FrameHeader

  it('joins parts in any order with any duplication', () => {
    const message = fc.uint8Array({ minLength: 2, maxLength: 400 })
    fc.assert(
      fc.property(
        message,
        fc.integer({ min: 1, max: 50 }),
        fc.infiniteStream(fc.nat()),
        (bytes, size, random) => {
          const parts = splitMessage(bytes, size)
          fc.pre(parts.length > 1)
          const reassembly = new Reassembly(new ManualClock())
          const pending = new Set(parts.keys())
          let joined: Buffer | undefined
          for (const pick of random) {
            const index = pick % parts.length
            if (pending.size === 1 && !pending.has(index)) continue
            pending.delete(index)
            joined = reassembly.add('m', part(index, parts.length, bytes.length), Buffer.from(parts[index]!))
            if (joined !== undefined) break
          }
          expect(joined?.equals(bytes)).toBe(true)
          expect(reassembly.bytes).toBe(0)
        },
      ),
    )
  })

  it('drops what disagrees, is too large, stalls, or is over its memory', async () => {
    const clock = new ManualClock()
    // What holding a message of one part costs beside it is counted as well.
    const cost = 1_024 + 512
    const limits = { messageBytes: 100, totalBytes: 2 * cost + 150, idleMs: 1_000 }
    const reassembly = new Reassembly(clock, limits)
    expect(() => reassembly.add('a', part(0, 2, 101), Buffer.alloc(50))).toThrow(/101 bytes exceeds 100/)
    expect(() => reassembly.add('a', part(0, 1, 9), Buffer.alloc(8))).toThrow(/8 bytes where 9/)
    expect(() => reassembly.add('a', part(0, 90, 9), Buffer.alloc(8))).toThrow(/90 parts for 9/)
    reassembly.add('b', part(0, 2, 20), Buffer.alloc(10))
    expect(() => reassembly.add('b', part(1, 3, 20), Buffer.alloc(10))).toThrow(/3 parts where there were 2/)
    expect(reassembly.bytes).toBe(0)

    for (const key of ['c', 'd', 'e']) reassembly.add(key, part(0, 2, 100), Buffer.alloc(60))
    expect(reassembly.bytes).toBe(2 * cost + 120)
    clock.jump(1_001)
    reassembly.add('f', part(0, 2, 20), Buffer.alloc(10))
    expect(reassembly.bytes).toBe(cost + 10)
  })
})
