// The cost of running an invocation besides the handler's own work, by executor: warm at 1 KB and 6 MB each way, the
// start of a worker, and the memory of an idle worker; and the same for bare workers, as a floor. The handler answers
// with its event, so parsing and printing it is included everywhere, as on Lambda. Options: --count N (default 300; a
// thirtieth of it at 6 MB).
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { files, subjects } from './executors/subjects.js'
import { residentMb } from './process/memory.js'
import { quantile } from './statistics/quantile.js'

const SMALL_BYTES = 1024
/** Lambda's limit, less the quotation marks of a JSON text. */
const LARGE_BYTES = 6 * 1024 * 1024 - 2
const COLD_STARTS = 20
const IDLE_WORKERS = 8
const WARM_UP = 20
const TIME_LIMIT_MS = 60_000

export async function run(args) {
  const { values } = parseArgs({ args, options: { count: { type: 'string', default: '300' } } })
  setFlagsFromString('--expose-gc')
  globalThis.gc = runInNewContext('gc')
  const folder = await mkdtemp(join(tmpdir(), 'tether-executors-'))
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
    const result = { count: Number(values.count) }
    for (const [name, subject] of Object.entries(subjects)) {
      result[name] = await measure(subject, folder, result.count)
    }
    return result
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure({ executor, build, bare, empty }, folder, count) {
  const made = build(folder)
  const largeCount = Math.ceil(count / 30)
  const small = await warm(executor(), made, SMALL_BYTES, count)
  const bareSmall = bare && (await warm(bare(), made, SMALL_BYTES, count))
  const large = await warm(executor(), made, LARGE_BYTES, largeCount)
  const bareLarge = bare && (await warm(bare(), made, LARGE_BYTES, largeCount))
  const { cold, empties, idleMb } = await starts(executor(), made, empty && (() => empty(folder)))
  return {
    warm1kbP50Ms: ms(small, 0.5),
    warm1kbP99Ms: ms(small, 0.99),
    warm6mbP50Ms: ms(large, 0.5),
    coldP50Ms: ms(cold, 0.5),
    idleWorkerMb: Math.round(idleMb * 10) / 10,
    ...(bare && {
      bare1kbP50Ms: ms(bareSmall, 0.5),
      bare6mbP50Ms: ms(bareLarge, 0.5),
      emptyP50Ms: ms(empties, 0.5),
    }),
  }
}

async function warm(executor, build, bytes, count) {
  const event = Buffer.from(JSON.stringify('x'.repeat(bytes - 2)))
  const times = []
  for (let i = -Math.min(WARM_UP, count); i < count; i++) {
    const took = await execute(executor, build, event, 'one')
    if (i >= 0) times.push(took)
  }
  await executor.close()
  return times
}

/**
 * The first invocations of this many environments, in turns with bare workers; and the memory of the first few workers
 * once they are idle.
 */
async function starts(executor, build, empty) {
  const event = Buffer.from('{}')
  const before = residentMb()
  const [cold, empties] = [[], []]
  let idleMb = 0
  for (let i = 1; i <= COLD_STARTS; i++) {
    cold.push(await execute(executor, build, event, `environment-${i}`))
    if (i === IDLE_WORKERS) idleMb = idleWorkerMb(executor, before)
    const startedAt = performance.now()
    await empty?.()
    empties.push(performance.now() - startedAt)
  }
  await executor.close()
  return { cold, empties, idleMb }
}

// A process has its own memory; a thread's memory is the host's; inline there are no workers.
function idleWorkerMb(executor, before) {
  if (executor.stats === undefined) return 0
  const own = executor.name === 'child-processes' ? executor.stats().echo.memoryBytes / 1024 ** 2 : 0
  return (own > 0 ? own : residentMb() - before) / IDLE_WORKERS
}

async function execute(executor, build, event, environmentId) {
  const startedAt = performance.now()
  const outcome = await executor.execute({
    functionId: 'echo',
    environmentId,
    build,
    event,
    context: {
      awsRequestId: crypto.randomUUID(),
      functionName: 'echo',
      functionVersion: '$LATEST',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:echo',
      memoryLimitInMB: '1024',
      logGroupName: '/aws/lambda/echo',
      logStreamName: 'stream',
    },
    env: { TABLE: 'orders' },
    deadline: Date.now() + TIME_LIMIT_MS,
    onLog() {},
  })
  const took = performance.now() - startedAt
  if (outcome.kind !== 'value') throw new Error(JSON.stringify(outcome.error))
  if (outcome.body.byteLength !== event.byteLength) throw new Error('The answer is not the event.')
  return took
}

const ms = (values, share) => Math.round(quantile(values, share) * 1000) / 1000
