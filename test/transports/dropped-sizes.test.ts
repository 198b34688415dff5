import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { mqttLight } from '../../src/transports/mqtt/light.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { mosquitto, startMosquitto } from '../support/mosquitto.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'

// What both sides do on any broker is in test/core/dropped-sizes.test.ts.
describe.skipIf(!mosquitto)('Mosquitto with a limit of 20 KB (needs Mosquitto)', () => {
  test.concurrent.each([
    // It takes the message and delivers it to nobody; it ends the connection.
    'message_size_limit 20000',
    'max_packet_size 20000',
  ])('%s: a stub hears that its event is too large, and a small one after it succeeds', async (setting) => {
    await using broker = await startMosquitto({ settings: [setting] })
    await using tether = new Tether()
    await tether
      .session({ transport: mqtt({ url: broker.url }) })
      .serve({ functions: { api: () => 'served' } })
      .open()
    const stub = tether.stub({ transport: mqttLight({ url: broker.url }), ackTimeoutMs: 1_000 })
    const context = () => stubContext({ getRemainingTimeInMillis: () => 20_000 })
    const large = randomBytes(40_000).toString('base64')
    await expect(stub({ large }, context())).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringMatching(/Small messages reach session.*of 4\d,\d{3} bytes do not.*'frameBytes'/),
    })
    expect(await stub({}, context())).toBe('served')
  })
})
