// The function's side: the prebuilt stub bundle, and a raw echo's client beside it.
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { stubBundle } from 'lambda-tether/stub'
import { connectRaw } from './raw.js'

const WARM_UP = 200
const count = Number(process.env.BENCH_COUNT)
const { handler } = createRequire(import.meta.url)(stubBundle('mqtt').path)
const raw = await connectRaw(process.env.BENCH_URL)
await raw.subscribeAsync('raw/response')

const text = variedText(1024)
const event = { text }
const payload = JSON.stringify(event)
const context = {
  awsRequestId: '00000000-0000-4000-8000-000000000000',
  functionName: 'echo',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:echo',
  memoryLimitInMB: '128',
  logGroupName: '/aws/lambda/echo',
  logStreamName: 'stream',
  getRemainingTimeInMillis: () => 30_000,
}

const times = { raw: [], tether: [] }
for (let i = 0; i < WARM_UP + count; i++) {
  const rawMs = await timed(async () => {
    const answered = once(raw, 'message')
    raw.publish('raw/request', payload, { qos: 0 })
    await answered
  })
  const tetherMs = await timed(async () => {
    const answer = await handler(event, context)
    if (answer.text !== text) throw new Error('The answer is not the event.')
  })
  if (i < WARM_UP) continue
  times.raw.push(rawMs)
  times.tether.push(tetherMs)
}
process.on('disconnect', async () => {
  await Promise.all([handler.close(), raw.endAsync(true)])
})
process.send(times)

async function timed(action) {
  const before = performance.now()
  await action()
  return performance.now() - before
}

function variedText(bytes) {
  let state = 1
  let varied = ''
  while (varied.length < bytes) {
    state = (state * 48271) % 0x7fffffff
    varied += state.toString(36)
  }
  return varied.slice(0, bytes)
}
