// A session with a listener that answers with a value or with a stream, as the event says.
import { setInterval } from 'node:timers'
import { createSession } from 'lambda-tether'
import { carrierOf } from '../carriers/index.js'
import { onEnd, report } from '../process/child.js'
import { seededBodies } from '../seeded/bodies.js'
import { watchMemory } from './growth.js'

const PIECE_BYTES = 16_384
const { BENCH_TRANSPORT, BENCH_URL, BENCH_KEY } = process.env
const text = seededBodies(1).text(1024)
const session = createSession({
  app: 'bench',
  stage: 'dev',
  key: BENCH_KEY,
  transport: carrierOf(BENCH_TRANSPORT).transport(BENCH_URL),
})

const answers = {
  value: (invocation) => invocation.respond({ text }),
  first: (invocation) =>
    invocation.respondStream({ contentType: 'application/json' }).end(JSON.stringify({ text })),
  /** One write per interval, with the time at which it was made. */
  ticks(invocation, { everyMs, count }) {
    const stream = invocation.respondStream({ contentType: 'text/event-stream' })
    let left = count
    const timer = setInterval(() => {
      stream.write(`data: ${process.hrtime.bigint()}\n\n`)
      if (--left > 0) return
      clearInterval(timer)
      stream.end()
    }, everyMs)
  },
  bulk(invocation, { bytes }) {
    const stream = invocation.respondStream()
    let left = bytes
    const write = () => {
      for (let free = true; free && left > 0; left -= PIECE_BYTES)
        free = stream.write(Buffer.alloc(Math.min(PIECE_BYTES, left), left))
      if (left > 0) stream.once('drain', write)
      else stream.end()
    }
    write()
  },
}

session.on('invoke', (invocation) => {
  const { type, ...options } = invocation.event
  return answers[type](invocation, options)
})
await session.open()
let watched
process.on('message', ({ type }) => {
  if (type === 'watch') watched = watchMemory()
  if (type === 'watched') report('watched', { growthMb: watched() })
})
onEnd(() => session.close())
report('open')
