import { createLocalBroker } from 'lambda-tether/local'
import { onEnd, report } from '../process/child.js'

// AWS IoT meters each message, with its topic, in and out in units of 5 KB.
const UNIT_BYTES = 5 * 1024
const { BENCH_LIMITS, BENCH_TCP_PORT, BENCH_WS_PORT } = process.env
const limits = Object.entries(JSON.parse(BENCH_LIMITS)).map(([name, limit]) => [
  name,
  limit ?? Number.POSITIVE_INFINITY,
])

const broker = createLocalBroker({
  limits: Object.fromEntries(limits),
  tcpPort: Number(BENCH_TCP_PORT),
  port: Number(BENCH_WS_PORT),
})
const tally = { messages: 0, units: 0, bytes: 0, discarded: 0 }
const meter = ({ topic, bytes }) => {
  tally.messages++
  tally.bytes += bytes
  tally.units += Math.max(1, Math.ceil((bytes + Buffer.byteLength(topic)) / UNIT_BYTES))
}
broker.on('publish', meter)
broker.on('deliver', meter)
broker.on('discard', () => tally.discarded++)
await broker.open()
process.on('message', ({ type }) => {
  if (type === 'tally') report('tally', tally)
})
onEnd(() => broker.close())
report('ready')
