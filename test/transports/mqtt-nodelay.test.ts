import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { CLIENTS } from './clients.js'
import { stub } from './inbox.js'
import { connected, ScriptedBroker } from './scripted-broker.js'

const ROUNDS = 40

describe.each(CLIENTS)('$client', ({ make }) => {
  test('sends small frames at once, even with unacknowledged data', async () => {
    await using broker = await ScriptedBroker.listen()
    const { connection, peer } = await connected(broker, make)
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const startedAt = performance.now()
      // With Nagle's algorithm the second waits for the peer's TCP to acknowledge the first, which takes 40 ms.
      await connection.send(stub, Buffer.from('one'))
      // Written in the same turn, both would leave together.
      await setImmediate()
      await connection.send(stub, Buffer.from('two'))
      await peer.next('publish')
      await peer.next('publish')
      times.push(performance.now() - startedAt)
      peer.send({ cmd: 'publish', topic: 'x', payload: 'go on', qos: 0, dup: false, retain: false })
    }
    expect(times.sort((a, b) => a - b)[ROUNDS / 2]).toBeLessThan(35)
    await connection.close()
  })
})
