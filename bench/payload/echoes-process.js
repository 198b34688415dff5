// At `echo` a body of so many bytes is sent and comes back, in messages that are all under way at once; each time is reported.
import { carrierOf } from '../carriers/index.js'
import { onEnd, report } from '../process/child.js'
import { seededBodies } from '../seeded/bodies.js'

// The message size that both AWS IoT and API Gateway accept, less room for the other fields of an echo.
const MESSAGE_BYTES = 128 * 1024 - 100
const { BENCH_TRANSPORT, BENCH_URL: url } = process.env
const carrier = carrierOf(BENCH_TRANSPORT)
const echo = await carrier.echo({ url, transport: carrier.transport(url), name: 'asker' })
await echo.listen()
const bodies = seededBodies(1)

process.on('message', async ({ type, bytes, count }) => {
  if (type !== 'echo') return
  const messages = []
  for (let left = bytes; left > 0; left -= MESSAGE_BYTES)
    messages.push(bodies.text(Math.min(left, MESSAGE_BYTES)))
  const times = []
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now()
    await Promise.all(messages.map((message) => echo.ask(message)))
    times.push(performance.now() - startedAt)
  }
  report('times', { times })
})
onEnd(() => echo.close())
report('ready')
