import { setTimeout as sleep } from 'node:timers/promises'
import { report } from '../process/child.js'
import { seededBodies } from '../seeded/bodies.js'
import { compressibleJson } from '../seeded/compressible.js'
import { lambdaContext } from './context.js'

const TIME_OUT_MS = 180_000

/** At `run` a stub's handler is sent `count` events one after the other, `pauseMs` apart; each one's time is reported. */
export function serveRuns(handler) {
  const bodies = seededBodies(1, 6 * 1024 * 1024)
  let number = 0
  process.on('message', async ({ type, bytes, count, pauseMs = 0, compressible = false }) => {
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
}
