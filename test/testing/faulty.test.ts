import { describe, expect, test } from 'vitest'
import type { Connection, Endpoint, TetherError } from '../../src/index.js'
import { type Fault, type FaultKind, type FaultPlan, faulty } from '../../src/testing/index.js'
import { memory } from '../../src/transports/memory.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const session: Endpoint = { app: 'shop', stage: 'dev', role: 'session', name: 'default' }
const stub: Endpoint = { app: 'shop', stage: 'dev', role: 'stub', name: 'one' }
const KINDS: readonly FaultKind[] = ['throttle', 'cut', 'drop', 'corrupt', 'duplicate', 'reorder', 'delay']

/** A stub's connection whose frames reach `arrived`, through a plan, on a clock that stands still. */
async function connected(plan: Partial<FaultPlan>) {
  const clock = new ManualClock()
  const transport = faulty(memory(), { seed: 1, clock, ...plan })
  const arrived: string[] = []
  const onFrame = (frame: Uint8Array) => void arrived.push(Buffer.from(frame).toString())
  const receiver = await transport.connect(session, { onFrame })
  const heard: string[] = []
  const sender = await transport.connect(stub, {
    onFrame: (frame) => void heard.push(Buffer.from(frame).toString()),
  })
  const send = (text: string) => sender.send(session, Buffer.from(text))
  return { clock, transport, arrived, heard, receiver, sender, send }
}

/** What befalls 2,000 frames, half of them each way. */
async function faultsOf(plan: FaultPlan): Promise<Fault[]> {
  const faults: Fault[] = []
  const transport = faulty(memory(), { ...plan, onFault: (fault) => faults.push(fault) })
  const frame = new Uint8Array(8)
  const open = async (self: Endpoint) => transport.connect(self, { onFrame() {} })
  const ends = { session: await open(session), stub: await open(stub) }
  for (let index = 0; index < 1_000; index++) {
    for (const self of [session, stub]) {
      const failure = await ends[self.role].send(stub, frame)?.catch((error: TetherError) => error)
      if (failure?.code === 'UNREACHABLE') ends[self.role] = await open(self)
    }
  }
  await Promise.all([ends.session.close(), ends.stub.close()])
  return faults
}

describe('a plan of faults', () => {
  const plan: FaultPlan = {
    seed: 'replay',
    throttle: 0.1,
    cut: 0.1,
    drop: 0.1,
    corrupt: 0.1,
    duplicate: 0.1,
    reorder: 0.1,
    delayMs: 5,
    clock: new ManualClock(),
  }

  test('hits the same frames in every run, and others with another seed or direction', async () => {
    const first = await faultsOf(plan)
    expect(new Set(first.map(({ kind }) => kind))).toEqual(new Set(KINDS))
    expect(await faultsOf(plan)).toEqual(first)
    expect(await faultsOf({ ...plan, seed: 'another' })).not.toEqual(first)
    const dropped = (direction: string) =>
      first
        .filter((fault) => fault.kind === 'drop' && fault.direction === direction)
        .map(({ index }) => index)
    expect(dropped('stub')).not.toEqual(dropped('session'))
  })

  test.each(['throttle', 'cut', 'drop', 'corrupt', 'duplicate'] as const)(
    'hits the configured share of frames: %s',
    async (kind) => {
      const faults = await faultsOf({ seed: 7, clock: new ManualClock(), [kind]: 0.25 })
      expect(new Set(faults.map((fault) => fault.kind))).toEqual(new Set([kind]))
      // 500 of 2,000 with a standard deviation of 19.
      expect(faults.length).toBeGreaterThan(400)
      expect(faults.length).toBeLessThan(600)
    },
  )

  test('keeps kinds independent: one kind does not change the frames another hits', async () => {
    const dropsOf = async (more: Partial<FaultPlan>) => {
      const faults = await faultsOf({ seed: 7, clock: new ManualClock(), drop: 0.2, ...more })
      return faults.filter(({ kind }) => kind === 'drop')
    }
    expect(await dropsOf({ duplicate: 0.5, corrupt: 0.5 })).toEqual(await dropsOf({}))
  })

  test.each([
    ['seed', { seed: Number.NaN }],
    ['drop', { drop: 1.5 }],
    ['duplicate', { duplicate: -0.1 }],
    ['reorder', { reorder: Number.NaN }],
    ['delayMs', { delayMs: -1 }],
  ])('is checked: %s', (name, wrong) => {
    expect(() => faulty(memory(), { seed: 1, ...wrong })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })
})

describe('a faulty transport', () => {
  test('throttles: send() throws THROTTLED and nothing arrives', async () => {
    const { send, arrived, transport } = await connected({ throttle: 1 })
    await expect(send('one')).rejects.toMatchObject({ code: 'THROTTLED' })
    await settle()
    expect(arrived).toEqual([])
    expect(transport.report()).toMatchObject({
      frames: { stub: 1, session: 0 },
      faults: { throttle: 1, drop: 0 },
    })
  })

  test('drops: send() resolves and nothing arrives', async () => {
    const { send, arrived, transport } = await connected({ drop: 1 })
    await send('one')
    await settle()
    expect(arrived).toEqual([])
    expect(transport.report().faults.drop).toBe(1)
  })

  test('duplicates', async () => {
    const { send, arrived } = await connected({ duplicate: 1 })
    await send('one')
    await settle()
    expect(arrived).toEqual(['one', 'one'])
  })

  test('corrupts one bit, and leaves the sender its bytes', async () => {
    const transport = faulty(memory(), { seed: 3, corrupt: 1 })
    const frames: Uint8Array[] = []
    await using _receiver = await transport.connect(session, { onFrame: (frame) => frames.push(frame) })
    await using sender = await transport.connect(stub, { onFrame() {} })
    const sent = new Uint8Array(1_000)
    await sender.send(session, sent)
    await settle()
    expect(sent.every((byte) => byte === 0)).toBe(true)
    const bits = [...frames[0]!].map((byte) => byte.toString(2).replaceAll('0', '').length)
    expect(bits.reduce((sum, count) => sum + count)).toBe(1)
    await sender.send(session, new Uint8Array(0))
  })

  test('reorders: a frame leaves after the next one', async () => {
    const { send, arrived, clock } = await connected({ reorder: 1 })
    for (const text of ['one', 'two', 'three', 'four']) await send(text)
    await settle()
    expect(arrived).toEqual(['two', 'one', 'four', 'three'])
    expect(clock.pending).toBe(0)
  })

  test('reorders: the last frame leaves after 50 ms, as it was when it was sent', async () => {
    const { sender, arrived, clock } = await connected({ reorder: 1 })
    const bytes = Buffer.from('last')
    await sender.send(session, bytes)
    bytes.fill(0)
    await clock.advance(49)
    expect(arrived).toEqual([])
    await clock.advance(1)
    expect(arrived).toEqual(['last'])
  })

  test('delays each frame by its own time, up to the longest', async () => {
    const { send, arrived, clock, transport } = await connected({ delayMs: 100 })
    const texts = Array.from({ length: 20 }, (_, index) => String(index))
    for (const text of texts) await send(text)
    await settle()
    expect(arrived).toEqual([])
    await clock.advance(50)
    expect(arrived.length).toBeGreaterThan(2)
    expect(arrived.length).toBeLessThan(18)
    await clock.advance(50)
    expect([...arrived].sort()).toEqual([...texts].sort())
    expect(arrived).not.toEqual(texts)
    expect(transport.report().faults.delay).toBe(20)
  })

  test('drops held frames when the connection closes, and reports it', async () => {
    const { send, sender, arrived, clock, transport } = await connected({ delayMs: 100, reorder: 0.5 })
    for (let index = 0; index < 10; index++) await send('held')
    await sender.close()
    expect(clock.pending).toBe(0)
    await clock.advance(200)
    const { drop } = transport.report().faults
    expect(drop).toBeGreaterThan(0)
    expect(arrived).toHaveLength(10 - drop)
  })

  test('cuts: the connection ends with UNREACHABLE and hears nothing more', async () => {
    const { send, sender, receiver, heard, arrived } = await connected({ cut: 1 })
    await expect(send('one')).rejects.toMatchObject({ code: 'UNREACHABLE' })
    expect(await sender.closed).toMatchObject({ code: 'UNREACHABLE' })
    await expect(send('two')).rejects.toMatchObject({ code: 'UNREACHABLE' })
    await receiver.send(stub, Buffer.from('late'))?.catch(() => {})
    await settle()
    expect([heard, arrived]).toEqual([[], []])
    await sender.close()
  })

  test('cuts: the broker keeps the will, and tells the connection nothing more', async () => {
    const transport = faulty(memory(), { seed: 1, cut: 1 })
    const kept: string[][] = [[], []]
    const ears = kept.map((texts) => ({
      onFrame() {},
      onKept: (frame: Uint8Array) => void texts.push(Buffer.from(frame).toString()),
    }))
    const options = { watch: [session], will: Buffer.from('gone') }
    await using _watcher = await transport.connect(stub, ears[0]!, { watch: [session] })
    const keeper = await transport.connect(session, ears[1]!, options)
    await keeper.keep!(Buffer.from('here'))
    await settle()
    await expect(keeper.send(stub, Buffer.from('frame'))).rejects.toMatchObject({ code: 'UNREACHABLE' })
    await settle()
    expect(kept).toEqual([['here', 'gone'], ['here']])
  })

  test('passes frames that the transport refuses to the transport, without faults', async () => {
    const { sender, send, transport } = await connected({ drop: 1 })
    await expect(sender.send(session, new Uint8Array(131_073))).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await sender.close()
    await expect(send('late')).rejects.toMatchObject({ code: 'CLOSED' })
    expect(transport.report().frames.stub).toBe(0)
  })

  test('has the limits, price, lanes and end of the wrapped transport', async () => {
    const served: (readonly number[])[] = []
    const inner = memory()
    const limits = { frameBytes: 2_000, rate: { frames: 5, counts: 'sent' as const } }
    const pricing = { unitBytes: 1, usdPerMillionUnits: 2, usdPerMillionMinutes: 3 }
    const transport = faulty(
      {
        name: 'inner',
        limits,
        pricing,
        keeps: { everyMs: 7 },
        async connect(...args): Promise<Connection> {
          const connection = await inner.connect(...args)
          const serve = async (lanes: readonly number[]) => void served.push(lanes)
          return Object.assign(connection, { expiresAt: 42, serve })
        },
      },
      { seed: 1 },
    )
    expect(transport).toMatchObject({ name: 'inner', limits, pricing, keeps: { everyMs: 7 } })
    await using connection = await transport.connect(session, { onFrame() {} })
    expect(connection.expiresAt).toBe(42)
    await connection.serve?.([1, 2])
    expect(served).toEqual([[1, 2]])
  })
})

test('invocations are answered once and correctly through loss, repeats, disorder, damage and cuts', async () => {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  const transport = faulty(memory(), {
    seed: 11,
    clock,
    drop: 0.1,
    duplicate: 0.1,
    reorder: 0.1,
    corrupt: 0.05,
    cut: 0.02,
    throttle: 0.02,
    delayMs: 40,
  })
  const runs = new Map<number, number>()
  const serving = tether.session({ transport }).on('invoke', async (invocation) => {
    const n = invocation.event as number
    runs.set(n, (runs.get(n) ?? 0) + 1)
    await invocation.respond(n * 2)
  })
  const opening = serving.open()
  await clock.advance(1_000)
  await opening
  // A sixth of all frames lost is more than three seconds' silence can stand.
  const stubs = Array.from({ length: 5 }, () => tether.stub({ transport, ackTimeoutMs: 30_000 }))
  const answers = Array.from({ length: 60 }, (_, n) => stubs[n % 5]!(n, stubContext({ remainingMs: 60_000 })))
  let left = answers.length
  for (const answer of answers) void answer.catch(() => {}).finally(() => left--)
  for (let step = 0; step < 500 && left > 0; step++) await clock.advance(100)
  expect(await Promise.all(answers)).toEqual(answers.map((_, n) => n * 2))
  expect([...runs.values()].every((count) => count === 1)).toBe(true)
  for (const kind of KINDS) expect(transport.report().faults[kind], kind).toBeGreaterThan(0)
})
