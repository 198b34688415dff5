import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { logUniform } from '../seeded/bodies.js'
import { seededRandom } from '../seeded/random.js'
import { chaosInvocations } from './invocations.js'

/**
 * A session, made by `createSession`, that answers by listener and by served handler. `onStart` is told of each start of
 * local code: `{ requestId, rerun }`.
 */
export async function openSession({ createSession, seed, key, transport, connections, onStart }) {
  const { answer } = chaosInvocations(seed)
  const reruns = new Map()
  const session = createSession({
    app: 'chaos',
    stage: 'bench',
    key,
    transport,
    connections: { max: connections },
  })
  const work = async (event) => {
    if (event.delayMs > 0) await sleep(event.delayMs)
    return answer(event)
  }
  session.on('invoke', async (invocation) => {
    const { functionId, rerun } = invocation
    const requestId = invocation.context.awsRequestId
    if (functionId === 'served') return void reruns.set(requestId, rerun)
    invocation.ack()
    onStart({ requestId, rerun })
    if (functionId === 'streamed') return stream(invocation, answer(invocation.event))
    const value = await work(invocation.event)
    // Its stub may have given up by now.
    if (!invocation.settled) await invocation.respond(value)
  })
  /** In pieces of many sizes, with pauses as long as the work is. */
  const stream = async (invocation, value) => {
    const { number, delayMs } = invocation.event
    const random = seededRandom(seed + number)
    const response = invocation.respondStream().on('error', () => {})
    for (let left = Buffer.from(JSON.stringify(value)); left.length > 0; ) {
      const bytes = logUniform(random, 1, left.length)
      if (!response.write(left.subarray(0, bytes)))
        await Promise.race([once(response, 'drain'), once(response, 'close')])
      if (response.destroyed) return
      left = left.subarray(bytes)
      if (delayMs > 0 && random() < 0.3) await sleep(random() * delayMs)
    }
    response.end()
  }
  session.serve({
    functions: {
      served: (event, { awsRequestId }) => {
        onStart({ requestId: awsRequestId, rerun: reruns.get(awsRequestId) })
        reruns.delete(awsRequestId)
        return work(event)
      },
    },
  })
  await session.open()
  return session
}
