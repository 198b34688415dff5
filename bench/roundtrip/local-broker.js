import { createLocalBroker } from 'lambda-tether/local'

// A benchmark asks for more than AWS's 100 messages a second; the rate is what `throughput` measures.
const broker = createLocalBroker({ limits: { publishesPerSecond: Number.POSITIVE_INFINITY, bytesPerSecond: Number.POSITIVE_INFINITY } })
await broker.open()
process.on('disconnect', () => broker.close())
process.send(broker.mqttUrl)
