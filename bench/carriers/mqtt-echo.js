import mqtt from 'mqtt'
import { Waiting } from './waiting.js'

/** A raw QoS 0 echo by plain clients of the library that the transport uses, with Nagle off as the transport has it. */
export async function mqttEcho(url, name) {
  const client = await mqtt.connectAsync(url)
  client.stream.setNoDelay?.(true)
  const waiting = new Waiting()
  return {
    async serve() {
      await client.subscribeAsync('raw/request/+')
      client.on('message', (topic, payload) =>
        client.publish(topic.replace('request', 'response'), payload, { qos: 0 }),
      )
    },
    async listen() {
      await client.subscribeAsync(`raw/response/${name}`)
      client.on('message', () => waiting.answered())
    },
    async ask(payload) {
      const answer = waiting.answer()
      client.publish(`raw/request/${name}`, payload, { qos: 0 })
      await answer
    },
    close: () => client.endAsync(true),
  }
}
