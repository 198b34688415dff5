// A deployed stub. `run`: sends `count` events one after the other, `pauseMs` apart, and reports each one's time.
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { onEnd, report } from '../process/child.js'
import { residentMb } from '../process/memory.js'
import { seededBodies } from '../seeded/bodies.js'
import { compressibleJson } from '../seeded/compressible.js'
import { lambdaContext } from './context.js'

const TIME_OUT_MS = 180_000
const { handler } = createRequire(import.meta.url)(process.env.BENCH_BUNDLE)
const bodies = seededBodies(1, 6 * 1024 * 1024)
let number = 0

process.on('message', async ({ type, bytes, count, pauseMs = 0, compressible = false }) => {
  if (type === 'resident') report('resident', { mb: residentMb() })
  if (type !== 'run') return
  const times = []
  for (let i = 0; i < count; i++) {
    const event = { body: compressible ? compressibleJson(bytes) : bodies.text(bytes, ++number) }
    const context = lambdaContext({
      functionName: 'echo',
      awsRequestId: String(number),
      deadline: performance.now() + TIME_OUT_MS,
    })
    const startedAt = performance.now()
    const answer = await handler(event, context)
    times.push(performance.now() - startedAt)
    if (JSON.stringify(answer) !== JSON.stringify(event)) throw new Error('The answer is not the event.')
    if (pauseMs > 0) await sleep(pauseMs)
  }
  report('times', { times })
})
onEnd(() => handler.close())
report('ready')
