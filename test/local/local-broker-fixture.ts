import { onTestFinished } from 'vitest'
import type { LocalBroker, LocalBrokerEvents, LocalBrokerOptions } from '../../src/local/index.js'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { ManualClock } from './manual-clock.js'
import { RawMqttClient } from './raw-mqtt-client.js'

/** An open broker on a clock that stands still; closed when the test ends. */
export async function openBroker(
  options: LocalBrokerOptions = {},
): Promise<{ broker: LocalBroker; clock: ManualClock }> {
  const clock = new ManualClock()
  const broker = createLocalBroker({ clock, ...options })
  onTestFinished(() => broker.close())
  await broker.open()
  return { broker, clock }
}

/** The next event of this name. Ask before what causes it. */
export function event<E extends keyof LocalBrokerEvents>(
  broker: LocalBroker,
  name: E,
): Promise<LocalBrokerEvents[E]> {
  return new Promise((resolve) => broker.once(name, resolve))
}

/** Every event of this name, from now on. */
export function events<E extends keyof LocalBrokerEvents>(
  broker: LocalBroker,
  name: E,
): LocalBrokerEvents[E][] {
  const list: LocalBrokerEvents[E][] = []
  broker.on(name, (detail) => list.push(detail))
  return list
}

/** A connected client with one subscription. */
export async function subscriber(url: string, filter: string, qos: 0 | 1 = 0): Promise<RawMqttClient> {
  const client = await RawMqttClient.connect(url)
  await client.subscribe(filter, qos)
  return client
}
