import { randomBytes } from 'node:crypto'
import { brotliCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { sessionKeys } from '../../src/core/session/options.js'
import { Channel } from '../../src/core/wire/channel.js'
import { decodeMessage, encodeMessage } from '../../src/core/wire/codec.js'
import { decodeHeader, senderIdOf } from '../../src/core/wire/frame.js'
import { sessionShapes, stubShapes } from '../../src/core/wire/message-shapes.js'
import { openPresence, sealPresence } from '../../src/core/wire/presence-frame.js'
import type { AskMessage, InvokeMessage, PresenceMessage } from '../../src/core/wire/protocol.js'
import { rootKey, StageKeys } from '../../src/core/wire/root-key.js'
import { readStubKey, stubKeys } from '../../src/core/wire/stub-key.js'
import { type Discard, type Endpoint, generateKey } from '../../src/index.js'
import { memory } from '../../src/transports/memory.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { Sealer } from '../support/sealer.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const SHOP = { app: 'shop', stage: 'dev' } as const
const SESSION = { ...SHOP, role: 'session', name: 'default' } as const
const STUB = { ...SHOP, role: 'stub' } as const
const DAY_MS = 86_400_000

/** A session that counts what it runs. */
async function serving(tether: Tether) {
  const runs: unknown[] = []
  const session = tether.session().on('invoke', (invocation) => {
    runs.push(invocation.event)
    return invocation.respond('served')
  })
  let displaced = false
  session.on('displaced', () => {
    displaced = true
  })
  await session.open()
  await settle()
  return { session, runs, isDisplaced: () => displaced }
}

/** A connection of somebody who may use the broker. */
async function intruder(tether: Tether, self: Endpoint = { ...STUB, name: 'intruder' }) {
  const heard: Uint8Array[] = []
  const kept: Uint8Array[] = []
  const connection = await tether.transport.connect(
    self,
    { onFrame: (frame) => heard.push(frame), onKept: (frame) => kept.push(frame) },
    { watch: [SESSION] },
  )
  await settle()
  return {
    heard,
    kept,
    post: (frame: Uint8Array) => connection.send({ ...SESSION, lane: 0 }, frame),
    async send(frame: Uint8Array, to: Endpoint = { ...SESSION, lane: 0 }) {
      await connection.send(to, frame)
      await settle()
    },
    async keep(frame: Uint8Array) {
      await connection.keep!(frame)
      await settle()
    },
    close: () => connection.close(),
  }
}

function invoke(id: string, fields: Partial<InvokeMessage> = {}): Buffer {
  return encodeMessage({
    type: 'invoke',
    id,
    functionId: 'api',
    context: JSON.parse(JSON.stringify(stubContext())),
    remainingMs: 30_000,
    ageMs: 0,
    sentAt: 0,
    envFingerprint: 'print',
    env: Buffer.from('{}'),
    event: Buffer.from('"forged"'),
    settled: [],
    epoch: 0,
    ...fields,
  })
}

function ask(id: string, fields: Partial<AskMessage> = {}): Buffer {
  return encodeMessage({ type: 'ask', id, settled: [], epoch: 0, ...fields })
}

/** A message of these sections, all of them of one encoding but the head. */
function laidOut(head: object, others: readonly Buffer[], encoding: number): Buffer {
  const sections = [Buffer.from(JSON.stringify(head)), ...others]
  const table = Buffer.alloc(1 + 5 * sections.length)
  table[0] = sections.length
  sections.forEach((section, at) => {
    table[1 + 5 * at] = at === 0 ? 0 : encoding
    table.writeUInt32BE(section.length, 2 + 5 * at)
  })
  return Buffer.concat([table, ...sections])
}

const reasonsOf = (discards: readonly Discard[]) => discards.map(({ reason }) => reason)

describe('a publisher without a key', () => {
  it('cannot hide a session by restoring an old goodbye: the session republishes and reports it (B)', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    await (await serving(tether)).session.close()
    await settle()
    const other = await intruder(tether, SESSION)
    const goodbye = other.kept.at(-1)!
    await serving(tether)
    // When it opened it put its word in the place of that goodbye, as it may.
    await clock.advance(1_000)
    expect(tether.discards).toEqual([])
    const said = other.kept.at(-1)!
    await other.keep(goodbye)
    expect(other.kept.at(-2)).toEqual(Uint8Array.from(goodbye))
    expect(other.kept.at(-1)).not.toEqual(Uint8Array.from(goodbye))
    expect(other.kept.at(-1)).not.toEqual(said)
    expect(tether.discards).toMatchObject([
      { reason: 'replayed', message: expect.stringContaining("kept the word 'closed' of session") },
    ])
    // A stub that connects meanwhile may believe it for a second at most, and no longer.
    expect(await tether.stub()({}, stubContext())).toBe('served')
  })

  it('makes a session republish its presence at most once a second (B)', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    await serving(tether)
    const other = await intruder(tether, SESSION)
    const garbage = () => other.keep(randomBytes(300))
    const saidOver = () => other.kept.filter((frame) => frame.length !== 300).length
    const before = saidOver()
    for (let times = 0; times < 50; times++) await garbage()
    expect(saidOver() - before).toBe(1)
    await clock.advance(1_000)
    expect(saidOver() - before).toBe(2)
    expect(await tether.stub()({}, stubContext())).toBe('served')
    expect(new Set(reasonsOf(tether.discards))).toEqual(new Set(['replayed']))
  })

  it('cannot replay a recorded invocation to a new session after its clock was corrected (D)', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    // The stub knew no session. It ran in the one before, a moment ago.
    const recorded = new Sealer(tether.key, STUB).frame(
      SESSION,
      invoke('once', { sentAt: clock.now() + DAY_MS / 24 }),
    )
    const { runs } = await serving(tether)
    const other = await intruder(tether)
    await clock.advance(1_000)
    clock.set(DAY_MS / 24)
    await other.send(recorded)
    expect(runs).toEqual([])
    await clock.advance(60_000)
    await other.send(new Sealer(tether.key, STUB).frame(SESSION, invoke('new', { sentAt: clock.now() })))
    expect(runs).toEqual(['forged'])
  })

  it('cannot silence a session with a recorded presence of an ended session with a greater epoch (B)', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const ahead = new ManualClock(clock.now() + 60_000)
    const before = await tether.session({ clock: ahead }).open()
    await settle()
    const other = await intruder(tether, SESSION)
    const online = other.kept.at(-1)!
    await before.close()
    // Its goodbye would raise the next one's epoch.
    await other.keep(randomBytes(300))
    const { runs } = await serving(tether)
    const boundTo = sessionOf(tether, other.kept.at(-1)!)
    const send = (id: string) => {
      const bytes = invoke(id, { boundTo, sentAt: clock.now() })
      return other.send(new Sealer(tether.key, STUB).frame(SESSION, bytes))
    }
    await other.keep(online)
    await send('while it asks for that one')
    expect(runs).toEqual([])
    await clock.advance(1_500)
    for (let times = 1; times <= 10; times++) {
      await other.keep(online)
      await send(`again ${times}`)
      expect(runs).toHaveLength(times)
      await clock.advance(1_500)
    }
    // A stub that believed it brings its epoch, and the session takes the name above that.
    expect(await clock.during(3_000, tether.stub()({}, stubContext()))).toBe('served')
    await other.keep(online)
    expect(await tether.stub()({}, stubContext())).toBe('served')
  })

  it('is not suspected because of a presence that a session with another key left', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const other = await intruder(tether, SESSION)
    const before = new StageKeys(rootKey('key', generateKey()), SHOP)
    const word = { type: 'presence', session: 'old', epoch: 1, state: 'closed', sequence: 1, at: 1 } as const
    const left = sealPresence(before, SESSION, word)
    await other.keep(left)
    await serving(tether)
    await clock.advance(1_000)
    expect(tether.discards).toEqual([])
    await other.keep(left)
    expect(tether.discards).toMatchObject([
      { reason: 'replayed', message: expect.stringContaining('or of a session with another key') },
    ])
  })

  it('cannot replay a recorded invocation after ten thousand other environments (D)', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { runs } = await serving(tether)
    await tether.stub()('once', stubContext())
    const recorded = tether.transport.take('session').map(({ frame }) => frame)
    const other = await intruder(tether)
    // Each is a new execution environment of the same function.
    for (let count = 0; count < 10_001; count++) {
      void other.post(new Sealer(tether.key, STUB).frame(SESSION, ask('x')))
      if (count % 1_000 === 0) await settle()
    }
    await settle()
    tether.transport.take('stub')
    for (const frame of recorded) await other.send(frame)
    expect(runs).toEqual(['once'])
    // Each was challenged, which a recording cannot answer; again later neither.
    expect(tether.transport.take('stub')).toHaveLength(recorded.length)
    await clock.advance(61_000)
    for (const frame of recorded) await other.send(frame)
    expect(runs).toEqual(['once'])
    // A live environment that comes new costs one more exchange, and only the first time.
    const stub = tether.stub()
    expect(await stub('live', stubContext())).toBe('served')
    expect(tether.transport.take('session').length).toBeGreaterThanOrEqual(2)
    expect(await stub('live', stubContext())).toBe('served')
    expect(tether.transport.take('session').slice(-1)).toHaveLength(1)
    expect(runs).toEqual(['once', 'live', 'live'])
  }, 60_000)

  it('causes no key derivation with malformed frames, and leaves no state with forged frames (F)', () => {
    const key = generateKey()
    const keys = sessionKeys({ ...SHOP, key, transport: memory() })
    let derived = 0
    const discards: Discard[] = []
    const messages: unknown[] = []
    const channel = new Channel<'stub'>({
      self: SESSION,
      keys: {
        ...{ scope: keys.scope, ids: keys.ids },
        base: (scope, peer) => {
          derived++
          return keys.base(scope, peer)
        },
      },
      reads: stubShapes(),
      frameBytes: 2_048,
      clock: new ManualClock(),
      send: async () => {},
      onMessage: (message) => messages.push(message),
      onDiscard: (discard) => discards.push(discard),
    })
    const stub = new Sealer(key, STUB)
    const frame = stub.frame(SESSION, ask('id'))
    for (const malformed of [frame.subarray(0, 60), frame.subarray(0, frame.length - 1), randomBytes(20)])
      channel.receive(malformed)
    expect(derived).toBe(0)
    channel.receive(frame)
    expect(derived).toBe(1)
    // Of a function whose key is known by now.
    for (let count = 0; count < 20_000; count++) {
      const forged = Buffer.from(frame)
      randomBytes(16).copy(forged, 14)
      channel.receive(forged)
    }
    expect(derived).toBe(1)
    expect(reasonsOf(discards).filter((reason) => reason === 'forged')).toHaveLength(20_000)
    // The environment is still known: its next frame needs no derivation, and the first is no news.
    channel.receive(stub.frame(SESSION, ask('id-2')))
    channel.receive(frame)
    expect(messages).toMatchObject([{ id: 'id' }, { id: 'id-2' }])
    expect(derived).toBe(1)
  })
})

describe('a holder of the key of a stub', () => {
  it('can make one frame decompress to at most one body (E)', async () => {
    await using tether = new Tether()
    const { runs } = await serving(tether)
    const stub = new Sealer(tether.key, STUB)
    const other = await intruder(tether)
    const bomb = brotliCompressSync(Buffer.alloc(8 * 1024 * 1024))
    const { arrayBuffers } = process.memoryUsage()
    for (const [head, count] of [
      [{ type: 'ask', id: 'x', settled: [], epoch: 0 }, 1],
      [{ type: 'ask', id: 'x', settled: [], epoch: 0 }, 250],
      [{ type: 'invoke', id: 'x' }, 2],
    ] as const)
      await other.send(stub.frame(SESSION, laidOut(head, Array(count).fill(bomb), 1)))
    expect(reasonsOf(tether.discards)).toEqual(['malformed', 'malformed', 'malformed'])
    // The last one's event is its one body.
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(20 * 1024 * 1024)
    expect(runs).toEqual([])
  })

  it('cannot make a session allocate memory for a false length of its variables (E)', async () => {
    await using tether = new Tether()
    const { runs } = await serving(tether)
    const stub = new Sealer(tether.key, STUB)
    const other = await intruder(tether)
    const bytes = invoke('x', { boundTo: sessionOf(tether, other.kept.at(-1)!), sentAt: Date.now() })
    const { event, env: _, ...rest } = decodeMessage(bytes, stubShapes()) as InvokeMessage
    const { arrayBuffers } = process.memoryUsage()
    // As Buffer.from() reads it, this is a list of 64 million bytes.
    await other.send(
      stub.frame(SESSION, laidOut({ ...rest, env: { length: 64e6 } }, [Buffer.from(event!)], 0)),
    )
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(20 * 1024 * 1024)
    expect(runs).toEqual([])
    // It is asked for them.
    expect(tether.discards).toEqual([])
  })

  it('cannot send a message in tiny parts (E)', async () => {
    await using tether = new Tether()
    const { session } = await serving(tether)
    const stub = new Sealer(tether.key, STUB)
    const other = await intruder(tether)
    for (let index = 0; index < 2_000; index++) {
      const numbers = { messageNumber: 0, index, count: 20_000, totalBytes: 20_000 }
      await other.send(stub.frame(SESSION, Buffer.alloc(1), numbers))
    }
    expect(session.stats().discards.malformed).toBe(2_000)
  })

  it('of another function cannot invoke, read or end its invocations (L)', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { runs, isDisplaced } = await serving(tether)
    await tether.stub({ functionId: 'api' })('secret', stubContext())
    const [request, response] = tether.transport.passed.slice(-2)
    const thief = new Sealer(tether.key, STUB, 'thief')
    const other = await intruder(tether, { ...STUB, name: thief.name })

    // It cannot run it.
    await other.send(thief.frame(SESSION, invoke('stolen', { sentAt: clock.now() })))
    expect(runs).toEqual(['secret'])
    expect(tether.discards).toMatchObject([
      { reason: 'key', message: expect.stringContaining("An invocation of 'api' was declined") },
    ])
    await expect(
      tether.stub({ key: tether.stubKey('thief'), functionId: 'api' })({}, stubContext()),
    ).rejects.toMatchObject({
      code: 'DECLINED',
      message: expect.stringContaining('the key of another function'),
    })

    // It cannot read what it hears, in either direction.
    const thiefs = stubKeys(readStubKey('key', tether.stubKey('thief')))
    for (const { frame } of [request!, response!]) {
      const read: unknown[] = []
      for (const self of [
        SESSION,
        { ...STUB, name: senderIdOf(decodeHeader(request!.frame).header.sender) },
      ]) {
        const channel = new Channel<'stub' | 'session'>({
          self,
          keys: thiefs,
          reads: self.role === 'session' ? stubShapes() : sessionShapes(),
          frameBytes: 2_048,
          clock,
          send: async () => {},
          onMessage: (message) => read.push(message),
          onDiscard() {},
        })
        channel.receive(frame)
      }
      expect(read).toEqual([])
    }

    // It has no key in which sessions speak to each other, or to the stubs of others.
    const asSession = new Sealer(tether.key, SESSION, 'thief')
    const words = { session: 'zzz', epoch: clock.now() + 1_000 }
    for (const bytes of [
      encodeMessage({ type: 'claim', ...words }),
      encodeMessage({ type: 'displaced', ...words, target: 'any' }),
    ]) {
      await other.send(thief.frame(SESSION, bytes))
      await other.send(asSession.frame({ ...STUB, name: 'x' }, bytes))
    }
    await clock.advance(5_000)
    expect(isDisplaced()).toBe(false)
    expect(await tether.stub()('still', stubContext())).toBe('served')
  })

  it('cannot get the answers of another environment by taking its name (L)', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { session } = await serving(tether)
    const victim = new Sealer(tether.key, STUB, 'api')
    const other = await intruder(tether, { ...STUB, name: victim.name })
    const boundTo = sessionOf(tether, other.kept.at(-1)!)
    await other.send(victim.frame(SESSION, invoke('mine', { boundTo, sentAt: clock.now() })))
    expect(session.stats().invocations.answered).toBe(1)
    // The same name under the key of another function.
    const thief = new Sealer(tether.key, STUB, 'thief')
    Object.defineProperty(thief, 'name', { value: victim.name })
    other.heard.splice(0)
    await other.send(thief.frame(SESSION, ask('mine')))
    expect(other.heard).toEqual([])
    await other.send(victim.frame(SESSION, ask('mine')))
    expect(other.heard).toHaveLength(1)
  })

  it('of the whole stage can invoke any function, but cannot read one with its own key or speak for the session', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { runs, isDisplaced } = await serving(tether)
    const any = tether.stub({ key: tether.stubKey('*'), functionId: 'api' })
    expect(await any('from any', stubContext())).toBe('served')
    expect(runs).toEqual(['from any'])
    const shared = tether.transport.take('session').at(-1)!.frame
    await tether.stub({ functionId: 'api' })('secret', stubContext())
    const own = tether.transport.take('session').at(-1)!.frame

    const readAs = (frame: Uint8Array) => {
      const read: unknown[] = []
      new Channel<'stub'>({
        self: SESSION,
        keys: stubKeys(readStubKey('key', tether.stubKey('*'))),
        reads: stubShapes(),
        frameBytes: 2_048,
        clock,
        send: async () => {},
        onMessage: (message) => read.push(message),
        onDiscard() {},
      }).receive(frame)
      return read.length
    }
    expect(readAs(shared)).toBe(1)
    expect(readAs(own)).toBe(0)

    // What sessions say to each other has no tag either, and a key of its own.
    const sealer = new Sealer(tether.key, STUB, '*')
    const other = await intruder(tether)
    const words = { session: 'zzz', epoch: clock.now() + 1_000, target: 'any' }
    await other.send(sealer.frame(SESSION, encodeMessage({ type: 'displaced', ...words })))
    expect(reasonsOf(tether.discards)).toEqual(['malformed'])
    expect(isDisplaced()).toBe(false)
  })

  it('cannot block a name with an extreme epoch: the session rejects or reports it (M)', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { session } = await serving(tether)
    const stub = new Sealer(tether.key, STUB)
    const other = await intruder(tether)
    for (const epoch of [1e300, 2 ** 53, 1.5, -1]) await other.send(stub.frame(SESSION, ask('x', { epoch })))
    expect(reasonsOf(tether.discards)).toEqual(Array(4).fill('malformed'))
    await other.send(stub.frame(SESSION, ask('x', { epoch: 2 ** 53 - 1 })))
    await other.send(stub.frame(SESSION, ask('x', { epoch: clock.now() + 5 * DAY_MS })))
    expect(tether.discards.slice(4)).toMatchObject([
      {
        reason: 'clock',
        message: expect.stringContaining("days ahead of this machine's clock: set the clock"),
      },
      { reason: 'clock', message: expect.stringContaining('5 days ahead') },
    ])
    expect(await tether.stub()({}, stubContext())).toBe('served')
    // One that may be true makes it ask for the session that has it, and take the name when nobody answers.
    await other.send(stub.frame(SESSION, ask('x', { epoch: clock.now() + DAY_MS / 2 })))
    await clock.advance(2_000)
    expect(await tether.stub()({}, stubContext())).toBe('served')
    expect(session.status.state).toBe('connected')
  })

  it('cannot raise the epoch so far that a stub of another function with a slow clock ignores the session (L)', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    await serving(tether)
    const mine = new Sealer(tether.key, STUB, 'mine')
    const other = await intruder(tether)
    for (const aheadMs of [DAY_MS, DAY_MS / 2]) {
      await other.send(mine.frame(SESSION, ask('x', { epoch: clock.now() + aheadMs })))
      await clock.advance(1_500)
    }
    const behind = new ManualClock(clock.now() - 60_000)
    const outcome = tether
      .stub({ clock: behind })({}, stubContext())
      .catch(({ code }: { code: string }) => code)
    await settle()
    await behind.advance(15_000)
    expect(await outcome).toBe('served')
  })

  it('cannot sign a presence: stubs ignore a presence that it leaves with the broker', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { session } = await serving(tether)
    const other = await intruder(tether, SESSION)
    const forged = (
      fields: Partial<PresenceMessage>,
      keys = new StageKeys(rootKey('key', generateKey()), SHOP),
    ) =>
      sealPresence(keys, SESSION, {
        type: 'presence',
        ...{ session: 'zzz', epoch: clock.now() + 1_000, state: 'closed', sequence: 1, at: clock.now() },
        ...fields,
      })
    // Who has the presence key seals well, and signs with a key of its own.
    const mine = new StageKeys(rootKey('key', tether.key), SHOP)
    const rogue = new StageKeys(rootKey('key', generateKey()), SHOP)
    const unsigned = Object.assign(Object.create(rogue) as StageKeys, {
      id: mine.id,
      presence: mine.presence,
    })
    Object.defineProperty(unsigned, 'sign', { value: rogue.sign.bind(rogue) })
    const frame = forged({}, unsigned)
    expect(openPresence([mine], SESSION, frame)).toBeUndefined()
    expect(openPresence([mine], SESSION, forged({}, mine))).toMatchObject({ session: 'zzz' })
    await other.keep(frame)
    expect(reasonsOf(tether.discards)).toEqual(['replayed'])
    expect(await tether.stub()({}, stubContext())).toBe('served')
    expect(session.status.state).toBe('connected')
  })
})

describe('a stub', () => {
  /** A stub whose transport has this kept, and nobody there. */
  async function outcomeWith(fields: Partial<PresenceMessage>, answers = false): Promise<unknown> {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const keys = new StageKeys(rootKey('key', tether.key), SHOP)
    const other = await intruder(tether, SESSION)
    const words = {
      session: 'one',
      epoch: clock.now(),
      state: 'closed' as const,
      sequence: 1,
      at: clock.now(),
    }
    await other.keep(sealPresence(keys, SESSION, { type: 'presence', ...words, ...fields }))
    if (answers) await serving(tether)
    const outcome = tether
      .stub()({}, stubContext())
      .catch((error: { code: string }) => error.code)
    await settle()
    const atOnce = await Promise.race([outcome, Promise.resolve('waits')])
    await clock.advance(12_000)
    await outcome
    return atOnce
  }

  it('believes a goodbye, however old', async () => {
    expect(await outcomeWith({})).toBe('NO_SESSION')
    expect(await outcomeWith({ at: 0 })).toBe('NO_SESSION')
  })

  it('ignores an epoch more than a day ahead', async () => {
    expect(await outcomeWith({ epoch: new ManualClock().now() + DAY_MS + 60_000 })).toBe('waits')
  })

  it('ignores a presence that is older than a day', async () => {
    const clock = new ManualClock()
    for (const offMs of [-DAY_MS - 1, DAY_MS + 60_000]) {
      const at = clock.now() + offMs
      await using tether = new Tether({ clock })
      const keys = new StageKeys(rootKey('key', tether.key), SHOP)
      const other = await intruder(tether, SESSION)
      const words = { session: 'one', epoch: clock.now(), state: 'online' as const, sequence: 1 }
      await other.keep(sealPresence(keys, SESSION, { type: 'presence', ...words, at }))
      const outcome = tether
        .stub()({}, stubContext())
        .catch((error: { code: string }) => error.code)
      await settle()
      // As patient as where nothing is kept.
      await clock.advance(3_000)
      expect(await outcome).toBe('NO_SESSION')
    }
  })
})

describe('presence', () => {
  it('is renewed every twelve hours, before it gets too old', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    await serving(tether)
    const other = await intruder(tether)
    const keys = [new StageKeys(rootKey('key', tether.key), SHOP)]
    const first = openPresence(keys, SESSION, other.kept.at(-1)!)!
    await clock.advance(12 * 3_600_000)
    await settle()
    const next = openPresence(keys, SESSION, other.kept.at(-1)!)!
    expect(next).toMatchObject({ session: first.session, state: 'online', sequence: first.sequence + 1 })
    expect(next.at - first.at).toBe(12 * 3_600_000)
  })
})

it('a session with a clock more than a day ahead reports that stubs ignore it', async () => {
  const clock = new ManualClock()
  const ahead = new ManualClock(clock.now() + 3 * DAY_MS)
  await using tether = new Tether({ clock })
  const session = tether.session({ clock: ahead })
  await session.open()
  const outcome = tether
    .stub()({}, stubContext())
    .catch((error: { code: string }) => error.code)
  await settle()
  expect(tether.discards).toMatchObject([
    { reason: 'clock', message: expect.stringContaining("epoch is 3 days ahead of a stub's clock") },
  ])
  await clock.advance(12_000)
  expect(await outcome).toBe('NO_SESSION')
})

/** The id of the session that has said its presence. */
function sessionOf(tether: Tether, kept: Uint8Array): string {
  return openPresence([new StageKeys(rootKey('key', tether.key), SHOP)], SESSION, kept)!.session
}
