// A deployed stub that streams, called as Lambda's runtime calls it.
import { createRequire } from 'node:module'
import { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { lambdaContext } from '../invocation/context.js'
import { onEnd, report } from '../process/child.js'
import { watchMemory } from './growth.js'

const TIME_OUT_MS = 900_000
const { handler } = createRequire(import.meta.url)(process.env.BENCH_BUNDLE)
let calls = 0

/** The target of a response; reports each of its pieces. */
class Response extends Writable {
  constructor(onPiece) {
    super()
    this.onPiece = onPiece
  }

  setContentType() {}

  _write(piece, _encoding, done) {
    this.onPiece(piece)
    done()
  }
}

async function call(event, onPiece) {
  const context = lambdaContext({
    functionName: 'streams',
    awsRequestId: String(calls++),
    deadline: performance.now() + TIME_OUT_MS,
  })
  await handler(event, new Response(onPiece), context)
}

/** How long the first byte of a response takes. */
async function firstByteMs(type) {
  const before = performance.now()
  let firstAt
  await call({ type }, () => {
    firstAt ??= performance.now()
  })
  return firstAt - before
}

const measures = {
  async pairs({ count, warmUp, pauseMs }) {
    const times = { answerMs: [], firstByteMs: [] }
    for (let i = -warmUp; i < count; i++) {
      const answer = await firstByteMs('value')
      if (pauseMs > 0) await sleep(pauseMs)
      const first = await firstByteMs('first')
      if (pauseMs > 0) await sleep(pauseMs)
      if (i < 0) continue
      times.answerMs.push(answer)
      times.firstByteMs.push(first)
    }
    return times
  },
  async ticks({ everyMs, count }) {
    const delaysMs = []
    await call({ type: 'ticks', everyMs, count }, (piece) => {
      const now = process.hrtime.bigint()
      for (const [, at] of String(piece).matchAll(/data: (\d+)/g))
        delaysMs.push(Number(now - BigInt(at)) / 1e6)
    })
    if (delaysMs.length !== count) throw new Error(`${delaysMs.length} of ${count} writes have arrived.`)
    return { delaysMs }
  },
  async bulk({ bytes }) {
    let read = 0
    const growth = watchMemory()
    const before = performance.now()
    await call({ type: 'bulk', bytes }, (piece) => {
      read += piece.length
    })
    const tookMs = performance.now() - before
    if (read !== bytes) throw new Error(`${read} of ${bytes} bytes have arrived.`)
    return { tookMs, growthMb: growth() }
  },
}

process.on('message', async ({ type, ...options }) => report('done', await measures[type](options)))
onEnd(() => handler.close())
report('ready')
