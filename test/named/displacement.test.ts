import { describe, expect, onTestFinished, test } from 'vitest'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { mqttLight } from '../../src/transports/mqtt/light.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { ManualClock } from '../support/manual-clock.js'
import { mosquitto, startMosquitto } from '../support/mosquitto.js'
import { stubContext } from '../support/stub-context.js'
import { Tether } from '../support/tether.js'
import { startWsBridge } from '../support/ws-bridge.js'

const MINUTE_MS = 60_000

const BROKERS = [
  { name: 'the local broker, MQTT 3.1.1', protocolVersion: 4, start: startLocal },
  { name: 'Mosquitto, MQTT 3.1.1 (needs Mosquitto)', protocolVersion: 4, start: startReal },
  { name: 'Mosquitto, MQTT 5 (needs Mosquitto)', protocolVersion: 5, start: startReal },
] as const

async function startLocal(): Promise<string> {
  const broker = createLocalBroker()
  onTestFinished(() => broker.close())
  await broker.open()
  return broker.mqttUrl
}

async function startReal(): Promise<string> {
  const broker = await startMosquitto()
  onTestFinished(() => broker[Symbol.asyncDispose]())
  return broker.url
}

describe.each(BROKERS)('of two sessions with one name, over $name', ({ protocolVersion, start }) => {
  test.skipIf(start === startReal && !mosquitto)(
    'the newer keeps serving when the older wakes from a silent network; the older is displaced and never reconnects',
    async () => {
      const url = await start()
      // All that the older one says passes here, and is counted: one upgrade is one CONNECT.
      const network = await startWsBridge({ port: Number(new URL(url).port) })
      onTestFinished(() => network[Symbol.asyncDispose]())
      await using tether = new Tether()
      const clock = new ManualClock(Date.now())
      const older = tether.session({ transport: mqtt({ url: network.url, protocolVersion }), clock })
      const told: string[] = []
      const ended = new Promise<void>((resolve) => older.on('close', () => resolve()))
      older
        .on('invoke', (invocation) => invocation.respond('older'))
        .on('displaced', () => told.push('displaced'))
        .on('status', ({ state }) => told.push(state))
      await older.open()
      const stub = tether.stub({ transport: mqttLight({ url }) })
      expect(await stub({}, stubContext())).toBe('older')

      network.silence()
      clock.jump(MINUTE_MS)
      const newer = tether.session({ transport: mqtt({ url, protocolVersion }) })
      const lost: string[] = []
      newer
        .on('invoke', (invocation) => invocation.respond('newer'))
        .on('displaced', () => lost.push('displaced'))
        .on('close', () => lost.push('close'))
      await newer.open()
      expect(await stub({}, stubContext())).toBe('newer')
      expect(told).not.toContain('displaced')
      expect(network.asked).toHaveLength(1)

      // It wakes: what it holds of a connection is found dead, and it comes back.
      network.cut()
      const ticking = setInterval(() => void clock.advance(50), 5)
      onTestFinished(() => clearInterval(ticking))
      await ended
      clearInterval(ticking)
      expect(network.asked).toHaveLength(2)
      expect(told.filter((state) => state === 'displaced')).toHaveLength(1)
      // By its own clock two minutes pass, in which any other would have tried many times.
      await clock.advance(2 * MINUTE_MS)
      for (let times = 0; times < 3; times++) expect(await stub({}, stubContext())).toBe('newer')
      expect(await tether.stub({ transport: mqttLight({ url }) })({}, stubContext())).toBe('newer')
      expect(network.asked).toHaveLength(2)
      expect(told.at(-1)).toBe('closed')
      expect(lost).toEqual([])
      await expect(older.open()).rejects.toMatchObject({ code: 'CLOSED' })
    },
  )
})
