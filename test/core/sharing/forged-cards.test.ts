import { expect, test } from 'vitest'
import { encodePresence } from '../../../src/core/wire/codec.js'
import { ANY_FUNCTION } from '../../../src/core/wire/derivation.js'
import { AssociatedData, encodeDestination, encodeHeader, writeScope } from '../../../src/core/wire/frame.js'
import { sealPresence } from '../../../src/core/wire/presence-frame.js'
import type { PresenceMessage } from '../../../src/core/wire/protocol.js'
import { rootKey, StageKeys } from '../../../src/core/wire/root-key.js'
import { senderKey } from '../../../src/core/wire/seal.js'
import { readStubKey } from '../../../src/core/wire/stub-key.js'
import { type Endpoint, generateKey } from '../../../src/index.js'
import { ManualClock, settle } from '../../support/manual-clock.js'
import { stubContext } from '../../support/stub-context.js'
import { Tether } from '../../support/tether.js'

const DAY_MS = 86_400_000
const bob: Endpoint = { app: 'shop', stage: 'dev', role: 'session', name: 'bob' }

interface Stage {
  readonly clock: ManualClock
  readonly tether: Tether
  readonly keys: StageKeys
  /** A card that a session of this stage would sign: it takes everything. */
  card(more?: Partial<PresenceMessage>): PresenceMessage
  /** Has the broker keep a frame for bob's name, as whoever may publish there can. */
  keep(frame: Uint8Array): Promise<void>
}

/** Where a cold environment goes with what the broker keeps for bob, who is not there. */
async function whereTo(plant: (stage: Stage) => Promise<void>, warm = false): Promise<unknown> {
  const clock = new ManualClock()
  await using tether = new Tether({ clock })
  const keys = new StageKeys(rootKey('key', tether.key), bob)
  const card = (more: Partial<PresenceMessage> = {}): PresenceMessage => {
    const now = clock.now()
    return { type: 'presence', session: 'b', epoch: now, state: 'online', sequence: 1, at: now, ...more }
  }
  const intruder = await tether.transport.connect(bob, { onFrame() {} })
  const keep = async (frame: Uint8Array) => {
    await intruder.keep!(frame)
    await settle()
  }
  const sent: string[] = []
  tether.transport.filter = ({ to, frame }) => {
    if (to.role === 'session') sent.push(to.name)
    return [frame]
  }
  const stub = tether.stub({ team: ['alice', 'bob'], passthrough: async () => 'cloud' })
  const invoke = async () => {
    const answer = stub({}, stubContext())
    await settle()
    await clock.advance(100)
    await settle()
    // A session that was believed in is silent.
    await clock.advance(3_100)
    return [await answer, ...new Set(sent.splice(0))]
  }
  if (warm) await invoke()
  await plant({ clock, tether, keys, card, keep })
  return await invoke()
}

test('a card that its session has signed is believed', async () => {
  expect(await whereTo(({ keys, card, keep }) => keep(sealPresence(keys, bob, card())))).toEqual([
    'cloud',
    'bob',
  ])
})

test.each<[string, (stage: Stage) => Promise<void>]>([
  ['garbage', ({ keep }) => keep(Buffer.alloc(300, 7))],
  [
    'a card of another root key',
    ({ card, keep }) => keep(sealPresence(new StageKeys(rootKey('key', generateKey()), bob), bob, card())),
  ],
  [
    'a card of another stage',
    ({ tether, card, keep }) => {
      const other = { ...bob, stage: 'prod' }
      return keep(sealPresence(new StageKeys(rootKey('key', tether.key), other), other, card()))
    },
  ],
  [
    'the card of another name',
    ({ keys, card, keep }) => keep(sealPresence(keys, { ...bob, name: 'alice' }, card())),
  ],
  [
    'a card that a stub has made, which can seal and not sign',
    ({ tether, card, keep }) => {
      const { presence, id } = readStubKey('key', tether.stubKey())
      const bytes = encodePresence(card(), () => Buffer.alloc(64, 1))
      const sender = writeScope(id, ANY_FUNCTION) + 'A'.repeat(22)
      const numbers = { messageNumber: 0, index: 0, count: 1, totalBytes: bytes.length }
      const head = encodeHeader({ kind: 'session', sender, ...numbers })
      const associated = new AssociatedData(head, encodeDestination(bob))
      return keep(senderKey(presence, 'session', sender).seal(associated, bytes))
    },
  ],
  [
    'a card that was changed after it was signed',
    ({ keys, card, keep }) => {
      const frame = sealPresence(keys, bob, card())
      frame[80]! ^= 1
      return keep(frame)
    },
  ],
  [
    'a card that was signed more than a day ago',
    ({ clock, keys, card, keep }) => keep(sealPresence(keys, bob, card({ at: clock.now() - DAY_MS - 1 }))),
  ],
  [
    'a card of an epoch that is more than a day ahead',
    ({ clock, keys, card, keep }) => keep(sealPresence(keys, bob, card({ epoch: clock.now() + DAY_MS + 1 }))),
  ],
  [
    'the word of a session that is closing',
    ({ keys, card, keep }) => keep(sealPresence(keys, bob, card({ state: 'leaving' }))),
  ],
  [
    'a card that takes what is no pattern',
    ({ keys, card, keep }) => keep(sealPresence(keys, bob, card({ take: { event: {} } }))),
  ],
])('%s has no effect', async (_what, plant) => {
  expect(await whereTo(plant)).toEqual(['cloud'])
})

test('a recorded card has no effect once a later word is known', async () => {
  const replayed = whereTo(async ({ keys, card, keep }) => {
    const recorded = sealPresence(keys, bob, card())
    await keep(recorded)
    await keep(sealPresence(keys, bob, card({ state: 'closed', sequence: 2 })))
    await keep(recorded)
  }, true)
  expect(await replayed).toEqual(['cloud'])
})

test('a card expires a day after it was signed, in a warm environment too', async () => {
  const expired = whereTo(async ({ clock, keys, card, keep }) => {
    await keep(sealPresence(keys, bob, card({ at: clock.now() + 1_000 })))
    await clock.advance(DAY_MS + 2_000)
  }, true)
  expect(await expired).toEqual(['cloud'])
})
