import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { deferred } from '../../src/core/base/deferred.js'
import { decodeHeader } from '../../src/core/wire/frame.js'
import type { Invocation, PayloadStore } from '../../src/index.js'
import { memoryStore } from '../../src/stores/memory.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { openListening, Tether } from '../support/tether.js'

const large = (bytes: number) => randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64')

/** What comes of it: `running` while nothing has. */
function watched(outcome: Promise<unknown>) {
  const seen = { outcome: 'running' as unknown }
  outcome.then(
    (value) => {
      seen.outcome = value
    },
    (error: Error) => {
      seen.outcome = error.name
    },
  )
  return seen
}

/** A store whose first read ends when the test says so. */
function slowStore(inner: PayloadStore) {
  const asked = deferred<AbortSignal | undefined>()
  const go = deferred()
  const store: PayloadStore = {
    name: 'slow',
    put: (key, body, options) => inner.put(key, body, options),
    delete: (key, options) => inner.delete(key, options),
    presignPut: (key, options) => inner.presignPut(key, options),
    presignGet: (key, options) => inner.presignGet(key, options),
    get: async (key, options) => {
      asked.resolve(options.signal)
      await go.promise
      return inner.get(key, { maxBytes: options.maxBytes })
    },
  }
  return { store, asked: asked.promise, go: () => go.resolve() }
}

describe('close(), with an invocation', () => {
  it('that is still arriving in parts, answers it with CLOSED at once and does not run it', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock, frameBytes: 2_048 })
    let ran = 0
    const session = tether.session().on('invoke', () => {
      ran++
    })
    await session.open()
    // The last part is never to come.
    tether.transport.filter = ({ to, frame }) => {
      const { header } = decodeHeader(frame)
      return to.role === 'session' && header.count > 1 && header.index === header.count - 1 ? [] : [frame]
    }
    const seen = watched(tether.stub()(large(20_000), stubContext({ remainingMs: 20_000 })))
    await settle()
    expect(seen.outcome).toBe('running')
    const closed = watched(session.close().then(() => 'closed'))
    await clock.advance(100)
    expect(seen.outcome).toBe('LambdaTether.CLOSED')
    expect(closed.outcome).toBe('closed')
    expect(ran).toBe(0)
  })

  it('with an event that is being read from the store, waits for its answer', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock, frameBytes: 2_048 })
    await using inner = memoryStore()
    const { store, asked, go } = slowStore(inner)
    const session = tether.session({ store }).on('invoke', (invocation) => invocation.respond('answered'))
    await session.open()
    const answer = tether.stub()(large(20_000), stubContext({ remainingMs: 20_000 }))
    await asked
    const closed = watched(session.close().then(() => 'closed'))
    await settle()
    expect(closed.outcome).toBe('running')
    go()
    expect(await answer).toBe('answered')
    await settle()
    expect(closed.outcome).toBe('closed')
  })

  it('with an event that is being read, stops reading when its signal fires, and answers with CLOSED', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock, frameBytes: 2_048 })
    await using inner = memoryStore()
    const { store, asked } = slowStore(inner)
    const session = tether.session({ store }).on('invoke', (invocation) => invocation.respond('answered'))
    await session.open()
    const seen = watched(tether.stub()(large(20_000), stubContext({ remainingMs: 20_000 })))
    const signal = await asked
    await session.close({ signal: AbortSignal.abort() })
    await settle()
    expect(signal?.aborted).toBe(true)
    expect(seen.outcome).toBe('LambdaTether.CLOSED')
  })

  it('that it has only challenged, declines it at once: the original code may run', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock })
    const transport = tether.forgetful
    const session = tether.session({ transport }).on('invoke', (invocation) => invocation.respond('ran'))
    await openListening(session, clock)
    // The challenge is lost.
    tether.transport.filter = ({ to, frame }) => (to.role === 'stub' ? [] : [frame])
    const stub = tether.stub({ transport, passthrough: () => 'original' })
    const seen = watched(stub({}, stubContext()))
    await settle()
    tether.transport.filter = ({ frame }) => [frame]
    const closed = watched(session.close().then(() => 'closed'))
    await settle()
    expect(seen.outcome).toBe('original')
    expect(closed.outcome).toBe('closed')
  })

  it('with an answer that is queued, waits until the answer is sent', async () => {
    const clock = new ManualClock()
    await using tether = new Tether({ clock, frameBytes: 2_048 })
    Object.assign(tether.transport.limits, { rate: { frames: 10, counts: 'sent' } })
    const held: Invocation[] = []
    const session = tether.session().on('invoke', (invocation) => {
      held.push(invocation)
      return invocation.ack()
    })
    await session.open()
    const text = large(40_000)
    const answer = tether.stub()('x', stubContext({ remainingMs: 60_000 }))
    await clock.advance(1_000)
    void held[0]!.respond(text)
    await settle()
    const closed = watched(session.close().then(() => 'closed'))
    await settle()
    expect(closed.outcome).toBe('running')
    await clock.advance(5_000)
    expect(await answer).toBe(text)
    expect(closed.outcome).toBe('closed')
  })
})
