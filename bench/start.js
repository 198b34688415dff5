// From the start of a host's process until its session is open, and until its first invocation is answered, next to a
// process that only imports the packages which the host needs. The stub is connected all along and is invoked when the
// session is open. The processes are started in turns; the result is the quickest of each kind, since other work on the
// machine only adds time. Options: --count N (processes of each kind, default 15), --against FOLDER (another checkout
// with a build, measured in turns with this one; the result then has `before` and `ratioToBefore`).
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { generateKey } from 'lambda-tether'
import { startBroker } from './broker/broker.js'
import { builds, importBuilt, stubKeyOf } from './builds/build.js'
import { lambdaContext } from './invocation/context.js'
import { startProcess } from './process/start.js'

const TIME_LIMIT_MS = 30_000

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { count: { type: 'string', default: '15' }, against: { type: 'string' } },
  })
  const folders = builds(values.against)
  const broker = await startBroker()
  const parties = { key: generateKey(), url: broker.url }
  const imports = []
  const starts = Object.fromEntries(Object.keys(folders).map((name) => [name, { open: [], answer: [] }]))
  const handlers = {}
  try {
    for (const [name, folder] of Object.entries(folders)) handlers[name] = await stubOf(folder, parties)
    // The first of each is not counted: the files are not in memory yet.
    for (let i = -1; i < Number(values.count); i++) {
      const importMs = await rawImport()
      if (i >= 0) imports.push(importMs)
      for (const [name, folder] of Object.entries(folders)) {
        const { openMs, answerMs } = await hostStart({ ...parties, folder, handler: handlers[name] })
        if (i < 0) continue
        starts[name].open.push(openMs)
        starts[name].answer.push(answerMs)
      }
    }
  } finally {
    await Promise.all(Object.values(handlers).map((handler) => handler.close()))
    await broker.stop()
  }
  const importMs = Math.min(...imports)
  const now = figures(starts.now, importMs)
  const before = starts.before && figures(starts.before, importMs)
  return { importMs: round(importMs), ...now, ...(before && besides(now, before)) }
}

/** The build's own stub: another build may speak another protocol. */
async function stubOf(folder, { key, url }) {
  const stub = await importBuilt('lambda-tether/stub', folder)
  const { mqtt } = await importBuilt('lambda-tether/transports/mqtt', folder)
  const parties = { app: 'bench', stage: 'dev', functionId: 'echo' }
  return stub.createStub({
    ...parties,
    key: stubKeyOf(stub, { ...parties, key }),
    transport: mqtt({ url }),
  })
}

async function rawImport() {
  const child = startProcess(new URL('./start/import-process.js', import.meta.url))
  const { ms } = await child.message('imported')
  await child.end()
  return ms
}

async function hostStart({ key, url, folder, handler }) {
  const host = startProcess(new URL('./start/host-process.js', import.meta.url), {
    BENCH_BUILD: folder,
    BENCH_KEY: key,
    BENCH_URL: url,
    BENCH_FUNCTION: `${fileURLToPath(new URL('./start/echo.ts', import.meta.url))}#handler`,
  })
  const { ms: openMs, startedAt } = await host.message('open')
  const deadline = performance.now() + TIME_LIMIT_MS
  await handler({}, lambdaContext({ functionName: 'echo', awsRequestId: 'start', deadline }))
  // Both processes count from the same clock.
  const answerMs = performance.timeOrigin + performance.now() - startedAt
  await host.end()
  return { openMs, answerMs }
}

function figures({ open, answer }, importMs) {
  const [openMs, answerMs] = [Math.min(...open), Math.min(...answer)]
  return {
    openMs: round(openMs),
    answerMs: round(answerMs),
    openRatio: round(openMs / importMs),
    answerRatio: round(answerMs / importMs),
  }
}

function besides(now, before) {
  const [open, answer] = [now.openMs / before.openMs, now.answerMs / before.answerMs]
  return { before, ratioToBefore: { open: round(open), answer: round(answer) } }
}

const round = (value) => Math.round(value * 100) / 100
