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
    if (event.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, event.delayMs))
    return answer(event)
  }
  session.on('invoke', async (invocation) => {
    const { functionId, rerun } = invocation
    const requestId = invocation.context.awsRequestId
    if (functionId === 'served') return void reruns.set(requestId, rerun)
    invocation.ack()
    onStart({ requestId, rerun })
    const value = await work(invocation.event)
    // Its stub may have given up by now.
    if (!invocation.settled) await invocation.respond(value)
  })
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
