import { setTimeout as sleep } from 'node:timers/promises'
import { lambdaContext } from '../invocation/context.js'
import { seededBodies } from '../seeded/bodies.js'

const BYTES = 1024
const TIME_OUT_MS = 30_000

/** Raw echoes and invocations of the same event, by turns; the times of both. */
export async function functionSide({ handler, echo, count, warmUp, pauseMs }) {
  await echo.listen()
  const text = seededBodies(1).text(BYTES)
  const event = { text }
  const payload = JSON.stringify(event)
  const times = { raw: [], tether: [] }
  for (let i = -warmUp; i < count; i++) {
    const raw = await timed(() => echo.ask(payload))
    const tether = await timed(async () => {
      const context = lambdaContext({
        functionName: 'echo',
        awsRequestId: String(i),
        deadline: performance.now() + TIME_OUT_MS,
      })
      const answer = await handler(event, context)
      if (answer.text !== text) throw new Error('The answer is not the event.')
    })
    if (i >= 0) {
      times.raw.push(raw)
      times.tether.push(tether)
    }
    if (pauseMs > 0) await sleep(pauseMs)
  }
  return times
}

async function timed(action) {
  const before = performance.now()
  await action()
  return performance.now() - before
}
