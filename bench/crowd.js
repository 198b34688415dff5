// Many execution environments at once, each with one invocation of 50 ms, through a session that runs them in worker
// threads. Fails unless every one is answered and this process, which holds all of them, stays under 2 GB. Options:
// --count N (default 1000), --max-workers N (default the executor's own).
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createSession, generateKey } from 'lambda-tether'
import { workerThreads } from 'lambda-tether/executors'
import { createStub, stubKey } from 'lambda-tether/stub'
import { memory } from 'lambda-tether/transports/memory'

const LIMIT_MB = 2048
const TIME_LIMIT_MS = 900_000
const HANDLER = `export const handler = async (event) => {
  await new Promise((resolve) => setTimeout(resolve, 50))
  return event
}`

export async function run(args) {
  const options = { count: { type: 'string', default: '1000' }, 'max-workers': { type: 'string' } }
  const { values } = parseArgs({ args, options })
  const count = Number(values.count)
  const most = values['max-workers']
  const folder = await mkdtemp(join(tmpdir(), 'bench-crowd-'))
  const stage = { app: 'bench', stage: 'crowd' }
  const [root, transport] = [generateKey(), memory()]
  const session = createSession({ ...stage, key: root, transport })
  const key = stubKey({ ...stage, key: root, functionId: 'crowd' })
  const shared = { ...stage, key, transport }
  try {
    const path = join(folder, 'handler.mjs')
    await writeFile(path, HANDLER)
    const executor = workerThreads(most === undefined ? {} : { maxWorkers: Number(most) })
    session.serve({ executor, functions: { crowd: path } })
    await session.open()
    const startedAt = performance.now()
    const answered = await Promise.all(Array.from({ length: count }, (_, index) => invoke(shared, index)))
    const seconds = (performance.now() - startedAt) / 1000
    const right = answered.filter(Boolean).length
    // Kilobytes on every system.
    const peakMb = Math.round(process.resourceUsage().maxRSS / 1024)
    if (right < count || peakMb >= LIMIT_MB) {
      console.error(`not so: ${right} of ${count} answered, ${peakMb} of ${LIMIT_MB} MB`)
      process.exitCode = 1
    }
    return { count, answered: right, peakMb, seconds: Math.round(seconds * 10) / 10 }
  } finally {
    await session.close()
    await rm(folder, { recursive: true })
  }
}

/** One invocation in an environment of its own. Returns whether it got its own answer. */
async function invoke(shared, index) {
  // All of them share one event loop with the session.
  const stub = createStub({ ...shared, functionId: 'crowd', env: {}, ackTimeoutMs: 60_000 })
  const deadline = Date.now() + TIME_LIMIT_MS
  try {
    const answer = await stub(
      { index },
      { awsRequestId: String(index), getRemainingTimeInMillis: () => deadline - Date.now() },
    )
    return answer?.index === index
  } catch (error) {
    console.error(String(error))
    return false
  } finally {
    await stub.close()
  }
}
