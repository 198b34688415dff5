import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { PayloadStore } from '../../src/index.js'
import { memoryStore } from '../../src/stores/memory.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

const KEY = /^[0-9a-f]{16}\/[\w-]{22}$/
const large = (bytes: number) => randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64')

/** A store that counts what it holds. */
function counting() {
  const inner = memoryStore()
  const held = new Map<string, Uint8Array>()
  let deleted = 0
  const store: PayloadStore = {
    ...inner,
    name: 'counting',
    put: async (key, body, options) => {
      held.set(key, body)
      await inner.put(key, body, options)
    },
    get: (key, options) => inner.get(key, options),
    presignPut: (key, options) => inner.presignPut(key, options),
    presignGet: (key, options) => inner.presignGet(key, options),
    delete: async (key, options) => {
      deleted++
      held.delete(key)
      await inner.delete(key, options)
    },
  }
  return { store, inner, held, deleted: () => deleted }
}

describe('a large payload with a store', () => {
  it('travels by reference both ways, and leaves nothing behind', async () => {
    await using tether = new Tether({ frameBytes: 20_000 })
    await using inner = memoryStore()
    const put: string[] = []
    const store: PayloadStore = {
      name: 'spy',
      put: (key, body, options) => inner.put(key, body, options),
      get: (key, options) => inner.get(key, options),
      delete: async (key, options) => {
        put.push(key)
        await inner.delete(key, options)
      },
      presignPut: (key, options) => inner.presignPut(key, options),
      presignGet: (key, options) => inner.presignGet(key, options),
    }
    const session = tether
      .session({ store })
      .on('invoke', (invocation) => invocation.respond(invocation.event))
    await session.open()
    const stub = tether.stub()
    const text = large(300_000)
    expect(await stub(text, stubContext())).toBe(text)
    const frames = tether.transport.passed.map(({ frame }) => frame.length)
    expect(Math.max(...frames)).toBeLessThan(20_000)
    expect(frames.length).toBeLessThan(10)
    // The next message tells that the response has arrived.
    expect(await stub('small', stubContext())).toBe('small')
    expect(put).toEqual([expect.stringMatching(KEY), expect.stringMatching(KEY)])
  })

  it('holds nothing that can be read', async () => {
    await using tether = new Tether({ frameBytes: 2_048 })
    const { store, inner, held } = counting()
    await using _ = inner
    const session = tether
      .session({ store })
      .on('invoke', (invocation) => invocation.respond(`SECRET ${large(9_000)}`))
    await session.open()
    expect(await tether.stub()('x', stubContext())).toMatch(/^SECRET /)
    const stored = Buffer.concat([...held.values()]).toString('latin1')
    expect(stored.length).toBeGreaterThan(6_000)
    expect(stored).not.toContain('SECRET')
  })

  it('is split where the session has no store, which is asked once', async () => {
    // Time stands still: no acknowledgement is due, however slow the machine.
    await using tether = new Tether({ frameBytes: 2_048, clock: new ManualClock() })
    const session = tether.session().on('invoke', (invocation) => invocation.respond(invocation.event))
    await session.open()
    const stub = tether.stub()
    const text = large(20_000)
    expect(await stub(text, stubContext())).toBe(text)
    const first = tether.transport.take('session').length
    expect(await stub(text, stubContext())).toBe(text)
    expect(tether.transport.take('session').length).toBeLessThan(first)
  })

  it('that cannot be put fails once, however often its stub asks', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ frameBytes: 2_048, clock })
    await using inner = memoryStore()
    const store: PayloadStore = Object.assign(Object.create(inner), {
      put: () => Promise.reject(new Error('disk full')),
    })
    const session = tether.session({ store }).on('invoke', (invocation) => invocation.respond(large(20_000)))
    let failures = 0
    session.on('status', ({ state }) => state === 'store-failed' && failures++)
    await session.open()
    let lost = 0
    tether.transport.filter = ({ to, frame }) => (to.role === 'stub' && lost++ < 3 ? [] : [frame])
    const answer = tether
      .stub()({}, stubContext())
      .catch((error: Error) => error.message)
    await clock.advance(5_000)
    expect(await answer).toMatch(/disk full/)
    expect(lost).toBeGreaterThan(3)
    expect(failures).toBe(1)
  })

  it('is put anew when a session that crashed had deleted it before its acknowledgement was heard', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ frameBytes: 2_048, clock })
    const { store, inner, held, deleted } = counting()
    await using _ = inner
    const first = tether.session({ store }).on('invoke', (invocation) => invocation.ack())
    await first.open()
    const text = large(20_000)
    // The session has said where to put the event; nothing that it says of the invocation itself is heard.
    let sent = 0
    tether.transport.filter = ({ to, frame }) => {
      if (to.role === 'session') sent++
      return to.role === 'stub' && sent > 1 ? [] : [frame]
    }
    const answer = tether.stub()(text, stubContext({ remainingMs: 60_000 }))
    while (deleted() === 0) await settle()
    expect(held.size).toBe(0)
    tether.transport.silence('session')
    tether.transport.filter = ({ frame }) => [frame]
    await clock.advance(10)
    const reruns: unknown[] = []
    const second = tether.session({ store }).on('invoke', (invocation) => {
      reruns.push(invocation.rerun)
      return invocation.respond((invocation.event as string).length)
    })
    const opening = second.open()
    // The first says nothing any more: it is asked three times.
    await clock.advance(2_000)
    await opening
    let over = false
    const ended = answer.finally(() => {
      over = true
    })
    ended.catch(() => {})
    while (!over) await clock.advance(100)
    expect(await ended).toBe(text.length)
    expect(reruns).toEqual([true])
  })

  it.each([
    ['at its deadline', 'DEADLINE'],
    ['when its stub gives up', 'DEADLINE'],
  ])('is no longer read %s', async (when, code) => {
    const clock = new ManualClock()
    await using tether = new Tether({ frameBytes: 2_048, clock })
    await using inner = memoryStore()
    let reading: AbortSignal | undefined
    const store: PayloadStore = Object.assign(Object.create(inner), {
      get: (_key: string, { signal }: { signal?: AbortSignal }) => {
        reading = signal
        return new Promise<never>(() => {})
      },
    })
    const session = tether.session({ store }).on('invoke', (invocation) => invocation.respond('ran'))
    const failed: string[] = []
    session.on('fail', (_, { error }) => failed.push(error.errorType))
    await session.open()
    const outcome = tether
      .stub({ deadlineMarginMs: when === 'at its deadline' ? 0 : 500 })(
        large(20_000),
        stubContext({ remainingMs: 5_000 }),
      )
      .catch((error: { code: string }) => error.code)
    while (reading === undefined) await settle()
    expect(reading.aborted).toBe(false)
    // What says that the stub has given up is lost, where the deadline is to end it.
    if (when === 'at its deadline') tether.transport.filter = () => []
    await clock.advance(when === 'at its deadline' ? 5_000 : 4_500)
    expect(await outcome).toBe(code)
    expect(reading.aborted).toBe(true)
    expect(failed).toEqual([`LambdaTether.${code}`])
    expect(session.stats().invocations).toMatchObject({ received: 1, failed: 1, running: 0 })
    await session.close()
  })

  it.each([
    ['presigning fails', { presignPut: () => Promise.reject(new Error('no bucket')) }, /no bucket/],
    ['reading the event fails', { get: () => Promise.reject(new Error('gone')) }, /gone/],
    ['the object was swapped', { get: async () => randomBytes(15_023) }, /not the one that was put/],
    ['putting the response fails', { put: () => Promise.reject(new Error('disk full')) }, /disk full/],
    ['presigning the response fails', { presignGet: () => Promise.reject(new Error('denied')) }, /denied/],
    [
      'the URL leads nowhere',
      { presignPut: async () => ({ url: 'http://127.0.0.1:9/secret-signature', headers: {} }) },
      /^(?!.*secret-signature).*put failed/,
    ],
    [
      'the response cannot be fetched',
      { presignGet: async () => ({ url: 'http://127.0.0.1:9/secret-signature', headers: {} }) },
      /^(?!.*secret-signature).*get failed/,
    ],
  ])('is an error on both sides when %s', async (_, broken, message) => {
    await using tether = new Tether({ frameBytes: 2_048 })
    await using inner = memoryStore()
    const store: PayloadStore = {
      name: 'broken',
      put: (key, body, options) => inner.put(key, body, options),
      get: (key, options) => inner.get(key, options),
      delete: (key, options) => inner.delete(key, options),
      presignPut: (key, options) => inner.presignPut(key, options),
      presignGet: (key, options) => inner.presignGet(key, options),
      ...broken,
    }
    const session = tether
      .session({ store })
      .on('invoke', (invocation) => invocation.respond(invocation.event))
    const told: string[] = []
    session.on('status', (status) => status.state === 'store-failed' && told.push(status.error.message))
    session.on('fail', (_, { error }) => told.push(error.errorMessage))
    session.on('discard', (discard) => told.push(discard.message))
    await session.open()
    await expect(tether.stub()(large(20_000), stubContext())).rejects.toThrow(message)
    await settle()
    expect(told.length).toBeGreaterThan(0)
    expect(told.join()).not.toContain('secret-signature')
  })
})
