import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeHeader } from '../../src/core/wire/frame.js'
import type { Endpoint } from '../../src/index.js'
import { ManualClock, settle } from '../support/manual-clock.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

/** Two stages of one application, each with a session, and in each two functions, which have been invoked once. */
async function recorded(clock: ManualClock) {
  const tether = new Tether({ clock })
  const runs: string[] = []
  const stubs = []
  for (const stage of ['dev', 'test']) {
    const session = tether.session({ stage }).on('invoke', (invocation) => {
      runs.push(`${stage} ${invocation.functionId}`)
      return invocation.respond(`from ${stage}`)
    })
    await session.open()
    for (const functionId of ['api', 'job']) {
      const stub = tether.stub({ stage, functionId })
      expect(await stub({ from: functionId }, stubContext())).toBe(`from ${stage}`)
      stubs.push({ stub, stage })
    }
  }
  await settle()
  const { passed } = tether.transport
  return { tether, runs, stubs, frames: [...passed], receivers: [...new Set(passed.map(({ to }) => to))] }
}

/** What somebody does who hears every frame and has no key. */
type Attack = { readonly frame: Uint8Array; readonly to: Endpoint; readonly kept: boolean }

it('of frames that are arbitrary, cut, spliced, changed, reflected and replayed anywhere, nothing runs', async () => {
  const clock = new ManualClock()
  const { tether, runs, stubs, frames, receivers } = await recorded(clock)
  await using _ = tether
  const before = [...runs]
  const self = { app: 'shop', stage: 'dev', role: 'session', name: 'default' } as const
  const presence: Uint8Array[] = []
  const intruder = await tether.transport.connect(
    self,
    { onFrame() {}, onKept: (frame) => presence.push(frame) },
    { watch: [self] },
  )
  await settle()
  expect(presence).not.toEqual([])
  const refused = encodeHeader({
    ...{ kind: 'refused', sender: 'A'.repeat(38), messageNumber: 0, index: 0, count: 1, totalBytes: 0 },
  } as const)
  const refusal = Buffer.concat([refused, Buffer.from('{"reason":"key","keyIds":[],"version":2}')])
  const one = fc.constantFrom(...frames.map(({ frame }) => frame), ...presence, refusal)
  const part = fc.tuple(one, fc.double({ min: 0, max: 1, noNaN: true }))
  const cut = ([frame, where]: [Uint8Array, number]) => frame.subarray(0, Math.floor(where * frame.length))
  const bytes = fc.oneof(
    one,
    fc.uint8Array({ maxLength: 400 }),
    part.map(cut),
    // The beginning of one, and the end of another.
    fc.tuple(part, one).map(([first, second]) => {
      const head = cut(first)
      return Buffer.concat([head, second.subarray(head.length)])
    }),
    // One's header before another's ciphertext.
    fc.tuple(one, one).map(([first, second]) => Buffer.concat([first.subarray(0, 50), second.subarray(50)])),
    fc.tuple(one, fc.nat(), fc.nat(255)).map(([frame, at, value]) => {
      const changed = Uint8Array.from(frame)
      changed[at % frame.length] = value
      return changed
    }),
  )
  const attack: fc.Arbitrary<Attack> = fc.record({
    frame: bytes,
    to: fc.constantFrom(...receivers),
    kept: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(attack, { maxLength: 20 }),
      fc.constantFrom(0, 31_000, 61_000),
      async (attacks, laterMs) => {
        await clock.advance(laterMs)
        for (const { frame, to, kept } of attacks)
          await (kept ? intruder.keep!(frame) : intruder.send(to, frame))
        await settle(2)
        expect(runs).toEqual(before)
      },
    ),
    { numRuns: 300 },
  )
  // Everybody goes on: with the answers that are theirs.
  for (const { stub, stage } of stubs) {
    const answer = stub({}, stubContext())
    await clock.advance(3_000)
    expect(await answer).toBe(`from ${stage}`)
  }
  await intruder.close()
})
