import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeMessage, encodeMessage, peekInvocationId } from '../../src/core/wire/codec.js'
import { compress, decompress, packBody } from '../../src/core/wire/compress.js'
import { ANY_FUNCTION } from '../../src/core/wire/derivation.js'
import {
  AssociatedData,
  decodeHeader,
  encodeDestination,
  encodeHeader,
  type FrameHeader,
  HEAD_BYTES,
  splitMessage,
  writeScope,
} from '../../src/core/wire/frame.js'
import { type Shapes, sessionShapes, stubShapes } from '../../src/core/wire/message-shapes.js'
import type { InvokeMessage } from '../../src/core/wire/protocol.js'
import { Reassembly } from '../../src/core/wire/reassembly.js'
import { generateKey, rootKey, StageKeys } from '../../src/core/wire/root-key.js'
import { senderKey } from '../../src/core/wire/seal.js'
import { readStubKey } from '../../src/core/wire/stub-key.js'
import { ManualClock } from '../support/manual-clock.js'

const sender = fc
  .uint8Array({ minLength: 28, maxLength: 28 })
  .map((array) => Buffer.from(array).toString('base64url'))
const messageNumber = fc.maxSafeNat()
/** A header, and a part that it may announce. */
const framed: fc.Arbitrary<[FrameHeader, Uint8Array]> = fc.oneof(
  fc
    .tuple(fc.constantFrom('session' as const, 'stub' as const), sender, messageNumber, fc.uint8Array())
    .map(([kind, from, number, part]): [FrameHeader, Uint8Array] => [
      { kind, sender: from, messageNumber: number, index: 0, count: 1, totalBytes: part.length },
      part,
    ]),
  fc
    .tuple(sender, messageNumber, fc.integer({ min: 2, max: 18_000 }), fc.nat(), fc.nat({ max: 2_000 }))
    .map(([from, number, count, at, more]): [FrameHeader, Uint8Array] => {
      const index = at % count
      const totalBytes = Math.min(9 * 1024 * 1024, 512 * (count - 1) + more)
      const part = new Uint8Array(
        index === count - 1 ? Math.min(more, 100) : Math.min(512 + (more % 100), totalBytes),
      )
      return [{ kind: 'stub', sender: from, messageNumber: number, index, count, totalBytes }, part]
    }),
)
const sealedParts = Buffer.alloc(16)

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
  it('carry any header and part through a round trip', () => {
    fc.assert(
      fc.property(framed, ([written, part]) => {
        const read = decodeHeader(Buffer.concat([encodeHeader(written), part, sealedParts]))
        expect(read.header).toEqual(written)
        expect(Buffer.from(part).equals(read.bytes.subarray(HEAD_BYTES, -16))).toBe(true)
      }),
    )
  })

  const numbered = (numbers: Partial<FrameHeader>, partBytes: number) => () =>
    decodeHeader(
      Buffer.concat([
        encodeHeader({
          ...{
            kind: 'stub',
            sender: 'A'.repeat(38),
            messageNumber: 0,
            index: 0,
            count: 1,
            totalBytes: partBytes,
          },
          ...numbers,
        }),
        Buffer.alloc(partBytes + 16),
      ]),
    )

  it.each([
    ['is a part that there is not', { index: 2, count: 2 }, 512, /part 2 of 2/],
    ['has no part', { count: 0 }, 0, /part 0 of 0/],
    [
      'is of a message that is too large',
      { totalBytes: 9 * 1024 * 1024 + 1 },
      9,
      /9437185 bytes exceeds 9437184/,
    ],
    [
      'is longer than its message',
      { count: 2, totalBytes: 599 },
      600,
      /part 0 of 2 of message 0 has 600 bytes, of 599/,
    ],
    [
      'is shorter than its message, which is all of it',
      { totalBytes: 8 },
      7,
      /part 0 of 1 of message 0 has 7 bytes, of 8/,
    ],
    ['is a small part', { count: 2, totalBytes: 1_000 }, 511, /part 0 of 2 of message 0 has 511 bytes/],
    [
      'is of more parts than its message allows',
      { count: 20, totalBytes: 9_000 },
      512,
      /part 0 of 20 of message 0 has 512 bytes/,
    ],
    [
      'has a number that none can have',
      { messageNumber: 2 ** 53 },
      3,
      /part 0 of 1 of message 9007199254740992/,
    ],
  ] as const)('refuse a frame that %s', (_what, numbers, partBytes, message) => {
    expect(numbered(numbers, partBytes)).toThrow(message)
    expect(numbered({ index: 1, count: 2, totalBytes: 512 }, 0)).not.toThrow()
  })

  it('refuse arbitrary bytes, only with a typed error', () => {
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

  it('split by bytes into parts that join to the original', () => {
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
  const shop = { app: 'shop', stage: 'dev' }
  const root = rootKey('key', generateKey())
  const keys = new StageKeys(root, shop)
  const scope = writeScope(keys.id, keys.tagOf('api'))
  const base = keys.stub(keys.tagOf('api'))
  const sent = `${scope}${'A'.repeat(22)}`
  const to = encodeDestination({ ...shop, role: 'session', name: 'default' })
  const sealed = (written: FrameHeader, part: Uint8Array) =>
    senderKey(base, 'stub', sent).seal(new AssociatedData(encodeHeader(written), to), part)
  const open = (frame: Uint8Array, destination = to, key = senderKey(base, 'stub', sent)) => {
    const associated = new AssociatedData(Buffer.alloc(HEAD_BYTES), destination)
    return key.open(associated, decodeHeader(frame))
  }

  it('opens its own frames', () => {
    fc.assert(
      fc.property(framed, ([written, part]) => {
        expect(open(sealed(written, part))?.equals(part)).toBe(true)
      }),
    )
  })

  it('opens no frame with a changed bit', () => {
    fc.assert(
      fc.property(framed, fc.nat(), fc.nat(7), ([written, part], at, bit) => {
        const frame = sealed(written, part)
        frame[at % frame.length]! ^= 1 << bit
        try {
          expect(open(frame)).toBeUndefined()
        } catch (error) {
          expect(error).toMatchObject({ name: 'TetherError' })
        }
      }),
    )
  })

  it('opens no frame for another receiver, key, application, stage, function, direction or sender', () => {
    const numbers = { messageNumber: 1, index: 0, count: 1, totalBytes: 3 }
    const frame = sealed({ kind: 'stub', sender: sent, ...numbers }, Buffer.from('abc'))
    expect(open(frame)?.toString()).toBe('abc')
    for (const other of [{ app: 'b' }, { stage: 'b' }, { role: 'stub' as const }, { name: 'b' }]) {
      const destination = encodeDestination({ ...shop, role: 'session', name: 'default', ...other })
      expect(open(frame, destination)).toBeUndefined()
    }
    const others = [
      new StageKeys(rootKey('key', generateKey()), shop).stub(keys.tagOf('api')),
      new StageKeys(root, { ...shop, app: 'b' }).stub(keys.tagOf('api')),
      new StageKeys(root, { ...shop, stage: 'b' }).stub(keys.tagOf('api')),
      keys.stub(keys.tagOf('other')),
      keys.stub(ANY_FUNCTION),
      keys.peer,
      keys.presence,
    ]
    for (const other of others) expect(open(frame, to, senderKey(other, 'stub', sent))).toBeUndefined()
    expect(open(frame, to, senderKey(base, 'session', sent))).toBeUndefined()
    expect(open(frame, to, senderKey(base, 'stub', `${scope}${'B'.repeat(21)}A`))).toBeUndefined()
  })

  it('reads keys as base64url, hex or bytes, and never shows a wrong one', () => {
    const bytes = Buffer.alloc(32, 7)
    for (const key of [bytes, bytes.toString('hex'), bytes.toString('base64url')])
      expect(rootKey('key', key).equals(bytes)).toBe(true)
    expect(() => rootKey('key', 'hunter2')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    )
    expect(() => rootKey('key', new Uint8Array(31))).toThrow(/32 bytes/)
    expect(() => rootKey('key', keys.stubKeyText(ANY_FUNCTION))).toThrow(/is a stub's key/)
    expect(() => readStubKey('key', generateKey())).toThrow(/is a session's key, which must not leave/)
    expect(() => readStubKey('key', 'hunter2')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    )
  })
})

describe('messages', () => {
  it('carry their binary fields apart from the rest', () => {
    const bytes = encodeMessage(invoke)
    expect(decodeMessage(bytes, stubShapes())).toEqual(invoke)
    expect(peekInvocationId(bytes)).toBe('id-1')
    const { env: _, ...without } = invoke
    expect(decodeMessage(encodeMessage(without), stubShapes())).toEqual(without)
  })

  it('carry a packed body packed, and a plain body plain', () => {
    const event = Buffer.from(JSON.stringify({ text: 'abc'.repeat(1_000) }))
    const packed = encodeMessage({ ...invoke, event: packBody(event) })
    expect(packed.length).toBeLessThan(event.length / 2)
    expect(decodeMessage(packed, stubShapes())).toEqual({ ...invoke, event })
    expect(encodeMessage({ ...invoke, event }).includes(event)).toBe(true)
  })

  it('refuse a body that is too large for the other side, even when it packs small', () => {
    const body = packBody(Buffer.alloc(8 * 1024 * 1024 + 1))
    const result = { type: 'result', id: 'a', session: 's', epoch: 0, body } as const
    expect(() => encodeMessage(result)).toThrow(/has 8388609 bytes; at most 8388608 travel/)
  })

  it('keep nested fields that are named like binary ones', () => {
    const nested = {
      ...invoke,
      context: { ...invoke.context, clientContext: { event: 1, env: { a: 1 }, body: 'x' } },
    }
    expect(decodeMessage(encodeMessage(nested), stubShapes())).toEqual(nested)
  })

  it('take no byte field from the head when its section is missing', () => {
    const { event, env: _, ...rest } = invoke
    // As Buffer.from() reads it, this is a list of 64 million bytes.
    const head = Buffer.from(JSON.stringify({ ...rest, event: { length: 64e6 }, env: { length: 64e6 } }))
    const table = Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, event!.length])
    table.writeUInt32BE(head.length, 2)
    expect(decodeMessage(Buffer.concat([table, head, event!]), stubShapes())).toEqual({ ...rest, event })
  })

  it('are refused in the wrong direction, of an unknown type, or with a wrong field', () => {
    expect(() => decodeMessage(encodeMessage(invoke), sessionShapes())).toThrow(
      /a session sends none of type "invoke"/,
    )
    for (const type of ['explode', '__proto__', 'constructor', 3]) {
      const head = Buffer.from(JSON.stringify({ type, id: 'a' }))
      const bytes = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, head.length]), head])
      expect(() => decodeMessage(bytes, stubShapes())).toThrow(/sends none of type/)
    }
    for (const wrong of [
      { id: 1 },
      { settled: [1] },
      { remainingMs: -1 },
      { context: {} },
      { stored: { key: 1 } },
    ]) {
      expect(() => decodeMessage(encodeMessage({ ...invoke, ...wrong } as never), stubShapes())).toThrow(
        /is not what it should be|neither here nor in the store/,
      )
    }
  })

  it.each([
    ['has no section', [], /has 0 sections/],
    ['has more than any message', [[0, '{}'], ...Array(4).fill([0, ''])], /has 5 sections/],
    [
      'has more than its type',
      [
        [0, '{"type":"ack"}'],
        [0, 'x'],
      ],
      /of type "ack" has 1 sections beside/,
    ],
    ['has a packed head', [[1, '{}']], /its head is packed/],
    [
      'has a head that is too large',
      [[0, `"${'x'.repeat(512 * 1024)}"`]],
      /head has 524290 bytes; at most 524288/,
    ],
    [
      'packs what is no body',
      [
        [0, '{"type":"invoke"}'],
        [255, ''],
        [1, 'x'],
      ],
      /'env' is encoded as 1/,
    ],
    [
      'has an unknown encoding',
      [
        [0, '{"type":"invoke"}'],
        [7, ''],
      ],
      /'event' is encoded as 7/,
    ],
    [
      'has bytes after the last section',
      [
        [0, '{}'],
        [0, '', 1],
      ],
      /sections end at/,
    ],
  ] as [string, [number, string, number?][], RegExp][])(
    'are refused where one %s',
    (_what, sections, message) => {
      const table = Buffer.alloc(1 + 5 * sections.length)
      table[0] = sections.length
      sections.forEach(([encoding, text, off = 0], at) => {
        table[1 + 5 * at] = encoding
        table.writeUInt32BE(text.length + off, 2 + 5 * at)
      })
      const bytes = Buffer.concat([table, ...sections.map(([, text]) => Buffer.from(text))])
      const shapes = bytes.includes('ack') ? sessionShapes() : stubShapes()
      expect(() => decodeMessage(bytes, shapes as Shapes<'stub'>)).toThrow(message)
    },
  )

  it('throw only typed errors for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        peekInvocationId(Buffer.from(bytes))
        expect(() => decodeMessage(Buffer.from(bytes), stubShapes())).toThrow(
          expect.objectContaining({ code: 'PROTOCOL' }),
        )
      }),
    )
  })
})

describe('compression', () => {
  it('restores any body, and is skipped when it gains nothing', () => {
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

  it('never expands a body beyond the maximum', () => {
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

  it('drops a message that is inconsistent, stalls or exceeds its memory', async () => {
    const clock = new ManualClock()
    // What holding a message of one part costs beside it is counted as well.
    const cost = 1_024 + 512
    const limits = { totalBytes: 2 * cost + 150, idleMs: 1_000 }
    const reassembly = new Reassembly(clock, limits)
    expect(() => reassembly.add('a', part(0, 1, 9), Buffer.alloc(8))).toThrow(/8 bytes where 9/)
    reassembly.add('b', part(0, 2, 20), Buffer.alloc(10))
    expect(() => reassembly.add('b', part(1, 3, 20), Buffer.alloc(10))).toThrow(/3 parts where there were 2/)
    reassembly.add('b', part(0, 2, 20), Buffer.alloc(10))
    expect(() => reassembly.add('b', part(1, 2, 30), Buffer.alloc(10))).toThrow(/30 bytes where 20 were/)
    expect(reassembly.bytes).toBe(0)

    for (const key of ['c', 'd', 'e']) reassembly.add(key, part(0, 2, 100), Buffer.alloc(60))
    expect(reassembly.bytes).toBe(2 * cost + 120)
    // A clock that jumps says nothing of the time that has passed; one that goes on does.
    clock.jump(3_600_000)
    reassembly.add('f', part(0, 1, 10), Buffer.alloc(10))
    expect(reassembly.bytes).toBe(2 * cost + 120)
    clock.jump(501)
    reassembly.add('f', part(0, 2, 20), Buffer.alloc(10))
    expect(reassembly.bytes).toBe(cost + 10)
  })
})
