// A stream of a session that was chosen among several.
import { expect, it } from 'vitest'
import { ManualClock, settle } from '../../support/manual-clock.js'
import { codeOf, readAll, StreamCaller, someCode, streamingExecutor } from '../../support/streams.js'
import { Tether } from '../../support/tether.js'

const team = ['alice', 'bob']
const PIECE = Buffer.alloc(50_000, 'x')

async function* megabytes(): AsyncIterable<Uint8Array> {
  for (let piece = 0; piece < 40; piece++) yield PIECE
}

function member(tether: Tether, name: string, functionId: string, body: () => AsyncIterable<Uint8Array>) {
  const executor = streamingExecutor(() => ({ kind: 'stream', body: body() }))
  return tether.session({ name, team }).serve({ executor, functions: { [functionId]: someCode } })
}

it('goes to the next session when one declines, with all its later messages', async () => {
  await using tether = new Tether()
  const alice = await member(tether, 'alice', 'other', megabytes).open()
  const bob = await member(tether, 'bob', 'api', megabytes).open()
  await using stub = new StreamCaller(tether, { team })
  const { body } = await stub.stream()
  tether.transport.take('session')
  const { bytes, error } = await readAll(body)
  expect(error).toBe(undefined)
  expect(bytes.length).toBe(40 * PIECE.length)
  const told = new Set(tether.transport.take('session').map(({ to }) => to.name))
  expect([...told]).toEqual(['bob'])
  expect(alice.stats().invocations).toMatchObject({ received: 1, declined: 1 })
  expect(bob.stats().invocations).toMatchObject({ received: 1, answered: 1 })
  expect(tether.discards).toEqual([])
})

it('breaks off when its session is replaced midway, even if another session would take it', async () => {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  await member(tether, 'alice', 'api', megabytes).open()
  const bob = await member(tether, 'bob', 'api', megabytes).open()
  await using stub = new StreamCaller(tether, { team, clock })
  const { body } = await stub.stream({ remainingMs: 10_000 })
  await settle()
  tether.transport.silence('session')
  const opening = member(tether, 'alice', 'api', megabytes).open()
  await clock.advance(3_000)
  await opening
  const { bytes, error } = await clock.during(3_000, readAll(body))
  expect(codeOf(error)).toBe('SESSION_LOST')
  expect(bytes.length).toBeGreaterThan(0)
  expect(bob.stats().invocations.received).toBe(0)
})
