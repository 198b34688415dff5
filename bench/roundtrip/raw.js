import mqtt from 'mqtt'

/** A plain client on the same library, with Nagle off as the transport has it. */
export async function connectRaw(url) {
  const client = await mqtt.connectAsync(url)
  client.stream.setNoDelay?.(true)
  return client
}
