import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sessionKeys } from '../../src/core/session/options.js'
import { Channel } from '../../src/core/wire/channel.js'
import { senderIdOf } from '../../src/core/wire/frame.js'
import { peerShapes, sessionShapes, stubShapes } from '../../src/core/wire/message-shapes.js'
import { openPresence } from '../../src/core/wire/presence-frame.js'
import { rootKey, StageKeys } from '../../src/core/wire/root-key.js'
import { readStubKey, stubKeys } from '../../src/core/wire/stub-key.js'
import { type Discard, type Endpoint, generateKey } from '../../src/index.js'
import { stubKey } from '../../src/stub/index.js'
import { memory } from '../../src/transports/memory.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { Sealer } from '../support/sealer.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const SESSION = { app: 'shop', stage: 'dev', role: 'session', name: 'default' } as const
const STUB = { app: 'shop', stage: 'dev', role: 'stub', name: 'environmentAAAAAAAAAAA' } as const
const SHOP = { app: 'shop', stage: 'dev', transport: memory() } as const

function keysOf(self: Endpoint, key: string) {
  if (self.role === 'session') return sessionKeys({ ...SHOP, key })
  return stubKeys(readStubKey('key', stubKey({ app: 'shop', stage: 'dev', key, functionId: 'api' })))
}

/** A channel of one side, and what it made of what it was given. */
function listening(self: Endpoint, key: string) {
  const discards: Discard[] = []
  const messages: unknown[] = []
  const channel = new Channel<'stub' | 'session'>({
    self,
    keys: keysOf(self, key),
    reads: self.role === 'session' ? stubShapes() : sessionShapes(),
    frameBytes: 2_048,
    clock: new ManualClock(),
    send: async () => {},
    onMessage: (message) => messages.push(message),
    onPart() {},
    onDiscard: (discard) => discards.push(discard),
    onRefused() {},
    ...(self.role === 'session' && {
      peers: { reads: peerShapes(), onMessage: (message) => messages.push(message) },
    }),
  })
  return { channel, discards, messages }
}

const SIDES = [
  { self: SESSION, peer: STUB },
  { self: STUB, peer: SESSION },
] as const

/** Bytes whose beginning may pass for a frame's or a message's. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .tuple(fc.constantFrom(0, 1, 2, 3), fc.uint8Array({ minLength: 50, maxLength: 300 }))
    .map(([kind, rest]) => Uint8Array.of(2, kind, ...rest)),
)

const TYPES = [
  ...['invoke', 'ask', 'presign', 'cancel'],
  ...['ack', 'result', 'error', 'url', 'need', 'challenge', 'missing', 'unknown', 'decline'],
  ...['claim', 'displaced', 'presence', 'chunk', '__proto__'],
]
const CONTEXT = Object.fromEntries(
  [
    'awsRequestId',
    'functionName',
    'functionVersion',
    'invokedFunctionArn',
    'memoryLimitInMB',
    'logGroupName',
    'logStreamName',
  ].map((name) => [name, '']),
)
/** What is right in a field that has this name, or as it may be. */
const orAnything = (...right: unknown[]) =>
  fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: fc.jsonValue() })
const amounts = orAnything(0, 1, 30_000, 1e300)
const parts = orAnything([], [0], [5, 3], [2 ** 40])
const fields = {
  functionId: orAnything('api', 'other'),
  context: orAnything(CONTEXT),
  remainingMs: amounts,
  ageMs: amounts,
  sentAt: amounts,
  bytes: amounts,
  sequence: amounts,
  nonce: orAnything('nonce'),
  epoch: orAnything(0, 1, 1e15),
  envFingerprint: orAnything('print'),
  settled: orAnything([], ['a', 'b']),
  code: orAnything('DEADLINE', 'STORE_FAILED'),
  reason: orAnything('because'),
  session: orAnything('other session'),
  target: orAnything('other session'),
  state: orAnything('open', 'lost', 'closed'),
  error: orAnything({ errorType: 'E', errorMessage: 'm', trace: [] }),
  key: orAnything('key'),
  request: orAnything({ url: 'http://127.0.0.1:9/', headers: {} }),
  sent: orAnything('0:0'),
  parts,
  missing: fc.option(fc.record({ sent: orAnything('0:0'), parts }), { nil: undefined }),
  stored: fc.option(orAnything({ key: 'k', secret: 's', bytes: 9 }), { nil: undefined }),
  boundTo: fc.option(orAnything('other session'), { nil: undefined }),
  ackedBy: fc.option(orAnything('other session'), { nil: undefined }),
}
const json = fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value) ?? 'null'))
const section = fc.record({
  encoding: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2, 255)),
  content: fc.oneof(json, fc.uint8Array({ maxLength: 50 })),
})

/** The bytes of a message as it is laid out, with this head and these sections. */
function laidOut(head: object, sections: readonly { encoding: number; content: Uint8Array }[]): Buffer {
  const all = [{ encoding: 0, content: Buffer.from(JSON.stringify(head)) }, ...sections]
  const table = Buffer.alloc(1 + 5 * all.length)
  table[0] = all.length
  all.forEach(({ encoding, content }, i) => {
    table[1 + 5 * i] = encoding
    table.writeUInt32BE(content.length, 2 + 5 * i)
  })
  return Buffer.concat([table, ...all.map(({ content }) => content)])
}

const message = (id: fc.Arbitrary<unknown>) =>
  fc
    .tuple(
      fc.record(
        { type: fc.constantFrom(...TYPES), id, ...fields },
        { requiredKeys: ['type', 'id', 'epoch'] },
      ),
      fc.array(section, { maxLength: 3 }),
    )
    .map(([head, sections]) => laidOut(head, sections))

describe.each(SIDES)('a frame that arrives at a $self.role', ({ self, peer }) => {
  it('is discarded when its bytes are arbitrary', () => {
    const { channel, discards, messages } = listening(self, generateKey())
    const keys = new StageKeys(rootKey('key', generateKey()), SHOP)
    fc.assert(
      fc.property(bytes, (frame) => {
        const before = discards.length
        channel.receive(frame)
        // A session's refusal is unsealed and says nothing but why.
        expect(discards.length - before).toBeLessThanOrEqual(1)
        if (frame[1] !== 2) expect(discards.length - before).toBe(1)
        expect(openPresence([keys], SESSION, frame)).toBeUndefined()
        expect(messages).toEqual([])
      }),
      { numRuns: 2_000 },
    )
  })

  it('is discarded when it is a cut, extended or changed authentic frame', () => {
    const key = generateKey()
    const sealer = new Sealer(key, peer)
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.nat(),
        fc.nat(7),
        fc.constantFrom('cut', 'extend', 'change'),
        (part, at, bit, how) => {
          const { channel, messages } = listening(self, key)
          const frame = sealer.frame(self, part)
          const place = at % frame.length
          if (how === 'change') frame[place]! ^= 1 << bit
          const altered =
            how === 'cut' ? frame.subarray(0, place) : how === 'extend' ? Buffer.concat([frame, part]) : frame
          channel.receive(how === 'extend' && part.length === 0 ? frame.subarray(1) : altered)
          expect(messages).toEqual([])
        },
      ),
    )
  })

  it('never throws, even when a holder of the key seals arbitrary messages in arbitrary parts', () => {
    const key = generateKey()
    const small = fc.integer({ min: 0, max: 40 })
    const header = fc.record({
      messageNumber: fc.nat(3),
      index: small,
      count: fc.oneof(small, fc.constant(2 ** 32 - 1)),
      totalBytes: fc.oneof(small, fc.constant(9 * 1024 * 1024), fc.constant(2 ** 32 - 1)),
    })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(header, fc.uint8Array({ maxLength: 40 })), { maxLength: 30 }),
        fc.array(message(fc.oneof(fc.constant('id'), fc.jsonValue())), { maxLength: 5 }),
        (frames, messages) => {
          const { channel } = listening(self, key)
          const sealer = new Sealer(key, peer)
          for (const [parts, part] of frames) channel.receive(sealer.frame(self, part, parts))
          for (const bytes of messages) {
            channel.receive(sealer.frame(self, bytes, { messageNumber: 4 }))
            channel.receive(new Sealer(key, peer).frame(self, bytes))
            // One session to another.
            channel.receive(new Sealer(key, SESSION).frame(SESSION, bytes))
            channel.missing(`${sealer.environment}:0`)
            channel.incomplete('id')
          }
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('arbitrary messages of a holder of the key', () => {
  it('leave a session working: it answers valid invocations', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const session = tether.session().on('invoke', (invocation) => invocation.respond('served'))
    await session.open()
    const rogue = await tether.transport.connect(STUB, { onFrame() {} })
    await fc.assert(
      fc.asyncProperty(fc.array(message(orAnything('id', 'id-2')), { maxLength: 20 }), async (messages) => {
        for (const bytes of messages) {
          await rogue.send({ ...SESSION, lane: 3 }, new Sealer(tether.key, STUB).frame(SESSION, bytes))
        }
        await settle(2)
      }),
      { numRuns: 200 },
    )
    await clock.advance(1_000)
    const answer = tether.stub()({}, stubContext())
    await clock.advance(5_000)
    expect(await answer).toBe('served')
    await rogue.close()
  })

  it('end the invocation of a waiting stub, with an answer or a named error', async () => {
    const outcomes = new Set<string>()
    const messages = fc.array(message(fc.constant('ID')), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(messages, async (sent) => {
        outcomes.add(await outcomeOf(sent))
      }),
      { numRuns: 60 },
    )
    const unnamed = [...outcomes].filter((name) => !/^(LambdaTether\.[A-Z_]+|answered|E)$/.test(name))
    expect(unnamed).toEqual([])
    expect(outcomes.size).toBeGreaterThan(1)
  })

  it('fail with EXECUTION_FAILED at a stub when the answer is not JSON', async () => {
    const result = laidOut({ type: 'result', id: 'ID', session: 's', epoch: 0 }, [
      { encoding: 0, content: Buffer.from('<html>') },
    ])
    expect(await outcomeOf([result])).toBe('LambdaTether.EXECUTION_FAILED')
  })
})

/** What becomes of an invocation that is answered with these messages, `ID` in them standing for its own. */
async function outcomeOf(messages: readonly Buffer[]): Promise<string> {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  const rogue = new Sealer(tether.key, SESSION)
  let invoked = 0
  const ears: { channel?: Channel<'stub'> } = {}
  await using connection = await tether.transport.connect(SESSION, {
    onFrame: (frame) => ears.channel!.receive(frame),
  })
  ears.channel = new Channel<'stub'>({
    self: SESSION,
    keys: keysOf(SESSION, tether.key),
    reads: stubShapes(),
    frameBytes: 2_048,
    clock,
    send: async () => {},
    onDiscard() {},
    onMessage({ type, id }, from) {
      // One that asks for it anew could go on for ever.
      if (type !== 'invoke' || ++invoked > 2) return
      const to = { ...STUB, name: senderIdOf(from) }
      for (const bytes of messages) {
        const named = Buffer.from(bytes.toString('latin1').replace('"ID"', `"${id}"`), 'latin1')
        // The table says how long the head is.
        named.writeUInt32BE(bytes.readUInt32BE(2) + named.length - bytes.length, 2)
        connection.send(to, rogue.frame(to, named))?.catch(() => {})
      }
    },
  })
  const stub = tether.stub()
  const outcome = stub({}, stubContext({ remainingMs: 20_000 })).then(
    () => 'answered',
    (error: unknown) => (error instanceof Error ? error.name : typeof error),
  )
  await clock.advance(20_000)
  return outcome
}
