import { describe, expect, it } from 'vitest'
import { decodeHeader, senderIdOf } from '../../src/core/wire/frame.js'
import { generateKey } from '../../src/index.js'
import { memory } from '../../src/transports/memory.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const SESSION = { app: 'shop', stage: 'dev', role: 'session', name: 'default' } as const

/** A session that counts what it runs, and one recorded invocation to attack it with. */
async function recorded(tether: Tether) {
  const runs: unknown[] = []
  const session = tether.session().on('invoke', (invocation) => {
    runs.push(invocation.event)
    return invocation.respond('ran')
  })
  await session.open()
  await tether.stub()('first', stubContext())
  const frame = tether.transport.take('session')[0]!.frame
  const attacker = await tether.transport.connect(
    { ...SESSION, role: 'stub', name: 'attacker' },
    { onFrame() {} },
  )
  const inject = async (bytes: Uint8Array, to: typeof SESSION | object = SESSION) => {
    await attacker.send({ ...SESSION, ...to }, bytes)
    await settle()
  }
  return { runs, frame, inject }
}

describe('a publisher to the broker', () => {
  it('cannot run code by repeating, altering, cutting or forging frames', async () => {
    await using tether = new Tether()
    const { runs, frame, inject } = await recorded(tether)
    await inject(frame)
    expect(tether.discards).toEqual([])
    for (let at = 0; at < frame.length; at += 5) {
      const altered = Uint8Array.from(frame)
      altered[at]! ^= 0x20
      await inject(altered)
    }
    await inject(frame.subarray(0, 20))
    await inject(frame.subarray(0, frame.length - 1))
    await inject(Buffer.from('hello'))
    await inject(new Uint8Array())
    expect(runs).toEqual(['first'])
    const reasons = new Set(tether.discards.map(({ reason }) => reason))
    expect(reasons).toEqual(new Set(['version', 'malformed', 'key', 'forged']))
  })

  it('cannot run code by sending a frame to another session with the same key', async () => {
    await using tether = new Tether()
    const { frame, inject } = await recorded(tether)
    let ran = false
    const other = tether.session({ name: 'other' }).on('invoke', (invocation) => {
      ran = true
      return invocation.respond()
    })
    await other.open()
    await inject(frame, { name: 'other' })
    expect(ran).toBe(false)
    expect(tether.discards).toMatchObject([
      { reason: 'forged', message: expect.stringContaining('not authentic') },
    ])
  })

  it('cannot answer an invocation with a forged frame', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const { inject } = await recorded(tether)
    const outcome = tether
      .stub({ session: 'absent' })({}, stubContext())
      .catch((error: unknown) => error)
    await settle()
    const asked = decodeHeader(tether.transport.take('session').at(-1)!.frame).header
    const name = senderIdOf(asked.sender)
    await inject(Buffer.from(`forged answer for ${name}`), { role: 'stub', name })
    await clock.advance(3_000)
    expect(await outcome).toMatchObject({ code: 'NO_SESSION' })
  })
})

describe('a wrong key', () => {
  it('is a discard on one side and named in the error on the other', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    let ran = false
    const session = tether.session().on('invoke', () => {
      ran = true
    })
    await session.open()
    const outcome = tether
      .stub({ key: generateKey() })({}, stubContext())
      .catch((error: unknown) => error)
    await clock.advance(3_000)
    expect(await outcome).toMatchObject({
      code: 'NO_SESSION',
      message: expect.stringMatching(/does not have this stub's key [0-9a-f]{8}, but [0-9a-f]{8}: deploy/),
    })
    expect(tether.discards[0]).toMatchObject({
      reason: 'key',
      message: expect.stringMatching(/sealed with key [0-9a-f]{8}/),
    })
    expect(ran).toBe(false)
  })

  it('is never answered in a flood', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    await tether.session().open()
    const stubs = Array.from({ length: 50 }, () => tether.stub({ key: generateKey() }))
    const outcomes = Promise.allSettled(stubs.map((stub) => stub({}, stubContext())))
    await settle()
    expect(tether.transport.take('stub')).toHaveLength(10)
    await clock.advance(3_000)
    expect((await outcomes).every(({ status }) => status === 'rejected')).toBe(true)
  })

  it('of another protocol version is answered with the version', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    await tether.session().open()
    tether.transport.filter = ({ to, frame }) => {
      if (to.role === 'stub') return [frame]
      const foreign = Uint8Array.from(frame)
      foreign[0] = 9
      return [foreign]
    }
    const outcome = tether
      .stub()({}, stubContext())
      .catch((error: unknown) => error)
    await clock.advance(10_000)
    expect(await outcome).toMatchObject({ message: expect.stringContaining('speaks protocol version 2') })
    expect(tether.discards[0]).toMatchObject({ reason: 'version' })
  })
})

describe('a subscriber of the broker', () => {
  it('cannot read events or credentials', async () => {
    await using tether = new Tether()
    await tether
      .session()
      .on('invoke', (invocation) => invocation.respond('TOP-SECRET-ANSWER'))
      .open()
    const stub = tether.stub({ env: { AWS_SECRET_ACCESS_KEY: 'TOP-SECRET-KEY' } })
    await stub({ card: 'TOP-SECRET-EVENT' }, stubContext())
    const seen = Buffer.concat(tether.transport.passed.map(({ frame }) => frame)).toString('latin1')
    expect(seen).not.toContain('TOP-SECRET')
    expect(seen.length).toBeGreaterThan(500)
  })
})

describe('the memory transport', () => {
  it('rejects a frame over its limit with both numbers, and every frame after close()', async () => {
    const transport = memory({ frameBytes: 2_048 })
    const connection = await transport.connect(SESSION, { onFrame() {} })
    await expect(connection.send(SESSION, new Uint8Array(2_049))).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringMatching(/2049 bytes exceeds 2048/),
    })
    await connection.close()
    await connection.close()
    expect(await connection.closed).toBeUndefined()
    await expect(connection.send(SESSION, new Uint8Array(1))).rejects.toMatchObject({ code: 'CLOSED' })
    expect(() => memory({ frameBytes: 10 })).toThrow(/'frameBytes' must be a whole number from 1,024, not 10/)
  })
})
