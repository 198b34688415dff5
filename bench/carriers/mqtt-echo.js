import { once } from 'node:events'
import mqtt from 'mqtt'

/** A raw QoS 0 echo by plain clients of the library that the transport uses, with Nagle off as the transport has it. */
export async function mqttEcho(url) {
  const client = await mqtt.connectAsync(url)
  client.stream.setNoDelay?.(true)
  return {
    async serve() {
      await client.subscribeAsync('raw/request')
      client.on('message', (_topic, payload) => client.publish('raw/response', payload, { qos: 0 }))
    },
    listen: () => client.subscribeAsync('raw/response'),
    async ask(payload) {
      const answered = once(client, 'message')
      client.publish('raw/request', payload, { qos: 0 })
      await answered
    },
    close: () => client.endAsync(true),
  }
}
