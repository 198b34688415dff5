import { expect, it } from 'vitest'
import { TetherError, type Transport } from '../../src/index.js'
import { memory } from '../../src/transports/memory.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { openListening, Tether } from '../support/tether.js'

/** A transport whose broker knows who is connected, as one with a table of connections does, and keeps nothing. */
function informed() {
  const { keeps: _keeps, ...inner } = memory()
  const sessions = new Set<{ lost: boolean }>()
  const identities: unknown[] = []
  let sends = 0
  const transport: Transport = {
    ...inner,
    async connect(self, handlers, options) {
      identities.push(options?.identity)
      const state = { lost: false }
      const onFrame = (frame: Uint8Array) => (state.lost ? undefined : handlers.onFrame(frame))
      const connection = await inner.connect(self, { onFrame }, options)
      if (self.role === 'session') {
        sessions.add(state)
        void connection.closed.then(() => sessions.delete(state))
      }
      const send: typeof connection.send = async (to, frame, sendOptions) => {
        sends++
        if (state.lost) return
        if (to.role === 'session' && sessions.size === 0) {
          throw new TetherError('UNREACHABLE', 'Nobody is connected.', { details: { absent: true } })
        }
        return connection.send(to, frame, sendOptions)
      }
      return Object.assign(Object.create(connection) as typeof connection, {
        send,
        closed: connection.closed,
      })
    },
  }
  /** As when the session's machine is switched off. */
  const lose = () => {
    for (const state of sessions) state.lost = true
    sessions.clear()
  }
  return { transport, identities, lose, sends: () => sends }
}

it('fails at once, without a cancellation, when the broker reports that no session is connected', async () => {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  const { transport, sends } = informed()
  const stub = tether.stub({ transport })
  await expect(stub({}, stubContext())).rejects.toMatchObject({
    code: 'NO_SESSION',
    message: expect.stringContaining("No session 'default' of 'shop' in stage 'dev' is connected."),
    details: { absent: true },
  })
  expect(sends()).toBe(1)
})

it('finds a session that has connected since after one more invocation', async () => {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  const { transport } = informed()
  const stub = tether.stub({ transport })
  await expect(stub({}, stubContext())).rejects.toMatchObject({ code: 'NO_SESSION' })
  const session = tether.session({ transport }).on('invoke', (invocation) => invocation.respond('served'))
  await openListening(session, clock)
  await expect(stub({}, stubContext())).rejects.toMatchObject({ code: 'NO_SESSION' })
  await settle()
  expect(await stub({}, stubContext())).toBe('served')
})

it('lets an acknowledged invocation wait for the next session', async () => {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  const { transport, lose } = informed()
  const first = tether.session({ transport }).on('invoke', (invocation) => invocation.ack())
  await openListening(first, clock)
  const call = tether.stub({ transport })({}, stubContext({ remainingMs: 30_000 }))
  await settle()
  await clock.advance(25)
  lose()
  await clock.advance(6_000)
  const second = tether.session({ transport }).on('invoke', (invocation) => invocation.respond('second'))
  await openListening(second, clock)
  await clock.advance(6_000)
  expect(await call).toBe('second')
})

it('announces sessions to the broker, never stubs', async () => {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  const { transport, identities } = informed()
  const session = tether.session({ transport }).on('invoke', (invocation) => invocation.respond(1))
  await openListening(session, clock)
  await tether.stub({ transport })({}, stubContext())
  expect(identities).toEqual([
    { session: expect.stringMatching(/^[\w-]{22}$/), epoch: expect.any(Number) },
    undefined,
  ])
})
