import { onTestFinished } from 'vitest'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { iotRefusal, type KnownIdentity } from '../support/sigv4.js'
import { startWsBridge, type WsBridge, type WsBridgeOptions } from '../support/ws-bridge.js'

export const region = 'eu-west-1'
export const identity: KnownIdentity = {
  accessKeyId: 'ASIATEMPORARY',
  secretAccessKey: 'secret/+word',
  sessionToken: 'token/with+special=characters==',
}

/** MQTT over WebSocket that admits signed URLs alone; whether they are right is computed independently. */
export async function startGateway(
  options: WsBridgeOptions & { readonly identities?: readonly KnownIdentity[] },
): Promise<WsBridge> {
  const { identities = [identity], now = Date.now } = options
  const bridge = await startWsBridge({
    refuse: (request) => iotRefusal(request, { identities, region, now: now() }),
    ...options,
  })
  onTestFinished(() => bridge[Symbol.asyncDispose]())
  return bridge
}

/** A port of this machine where an IoT-like broker speaks MQTT over TCP. */
export async function startBroker(): Promise<number> {
  const broker = createLocalBroker({ region })
  onTestFinished(() => broker.close())
  await broker.open()
  return Number(new URL(broker.mqttUrl).port)
}
