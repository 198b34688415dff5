import { randomBytes } from 'node:crypto'
import { connectAsync, type MqttClient } from 'mqtt'
import { describe, expect, test } from 'vitest'
import { iotUrl, signIotUrl } from '../../../../src/transports/iot/url.js'
import type { Subject } from './subject.js'

// https://docs.aws.amazon.com/general/latest/gr/iot-core.html#message-broker-limits
const MAX_PAYLOAD_BYTES = 131_072
const BURST = 300

/** What AWS IoT does at its limits, seen with a plain MQTT client. */
export function limitsSuite({ account, clients, run, report, timeoutMs }: Subject): void {
  const topic = (name: string) => `lambda-tether/${run}/limits/${name}`
  const connect = async (): Promise<MqttClient> => {
    const identity = await clients.lambda.config.credentials()
    const url = signIotUrl(iotUrl(account.iotEndpoint), account.region, identity, Date.now())
    const clientId = `lt-${randomBytes(8).toString('hex')}`
    return connectAsync(url, { clientId, reconnectPeriod: 0, protocolVersion: 4 })
  }

  describe('limits', () => {
    test(
      `a payload of ${MAX_PAYLOAD_BYTES} bytes arrives, and one more ends the connection`,
      async () => {
        const client = await connect()
        const ended = new Promise<void>((resolve) => client.once('close', () => resolve()))
        const arrived = new Promise<Buffer>((resolve) =>
          client.once('message', (_topic, payload) => resolve(payload)),
        )
        await client.subscribeAsync(topic('size'))
        client.publish(topic('size'), randomBytes(MAX_PAYLOAD_BYTES))
        expect((await arrived).length).toBe(MAX_PAYLOAD_BYTES)
        const since = performance.now()
        client.publish(topic('size'), randomBytes(MAX_PAYLOAD_BYTES + 1))
        await ended
        report.measure('from a payload that is too large to the end', performance.now() - since, 'ms')
      },
      timeoutMs,
    )

    test(
      `of ${BURST} messages at once some are discarded`,
      async () => {
        const [sender, receiver] = [await connect(), await connect()]
        let arrived = 0
        let ended = false
        let last = false
        sender.on('close', () => {
          ended = true
        })
        receiver.on('message', (_topic, payload) => {
          if (payload.toString() === 'last') last = true
          else arrived += 1
        })
        await receiver.subscribeAsync(topic('rate'))
        for (let n = 0; n < BURST; n += 1) sender.publish(topic('rate'), String(n))
        // Asked again until it comes through, or until the broker has hung up.
        while (!last && !ended) {
          sender.publish(topic('rate'), 'last')
          await new Promise((resolve) => setTimeout(resolve, 250))
        }
        await Promise.all([sender.endAsync(true), receiver.endAsync(true)])
        report.measure(`of ${BURST} messages at once, arrived`, arrived)
        report.measure('the connection after that', ended ? 'ended by the broker' : 'still there')
        expect(arrived).toBeGreaterThan(0)
        if (account.kind === 'local') expect(arrived).toBeLessThan(BURST)
      },
      timeoutMs,
    )
  })
}
