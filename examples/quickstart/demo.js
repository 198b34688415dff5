// npm run demo: an HTTP request reaches an `api` function, which publishes to a topic, which invokes `sns`. Both are
// stubs in a small cloud on this machine; the code that runs is in ./functions. With --once it checks itself and ends.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSession, generateKey } from 'lambda-tether'
import { workerThreads } from 'lambda-tether/executors'
import { createLocalCloud } from 'lambda-tether/local'
import { stubBundle, stubEnvironment } from 'lambda-tether/stub'
import { iot } from 'lambda-tether/transports/iot'
import { checkItself } from './once.js'

const once = process.argv.includes('--once')
const original = fileURLToPath(new URL('./functions', import.meta.url))
// The self-check edits code, so it works on a copy.
const folder = once ? await mkdtemp(join(tmpdir(), 'quickstart-')) : original
if (once) await cp(original, folder, { recursive: true })

const app = { app: 'quickstart', stage: 'dev', key: generateKey() }
const cloud = createLocalCloud()
await cloud.open()

// The cloud's side: two functions that hold nothing but the stub.
const topic = cloud.topic('greetings')
const deploy = (functionId) =>
  cloud.function({
    name: `quickstart-dev-${functionId}`,
    bundle: stubBundle('iot').path,
    handler: 'stub-iot.handler',
    timeoutMs: 20_000,
    environment: {
      ...stubEnvironment({ ...app, functionId, endpoint: cloud.iotEndpoint }),
      TOPIC_ARN: topic.arn,
    },
  })
const { url } = await cloud.httpApi(deploy('api'))
topic.subscribe(deploy('sns'))

// The developer's side: a session that runs local code.
const { region, credentials, iotEndpoint: endpoint } = cloud
const session = createSession({ ...app, transport: iot({ region, credentials, endpoint }) })
session.serve({
  executor: workerThreads(),
  functions: { api: join(folder, 'api.ts#handler'), sns: join(folder, 'sns.ts#handler') },
})
report(session)
await session.open()

const end = async () => {
  await session.close()
  await cloud.close()
  if (once) await rm(folder, { recursive: true })
}
if (once) {
  const edit = async (from, to) => {
    const path = join(folder, 'api.ts')
    await writeFile(path, (await readFile(path, 'utf8')).replace(from, to))
  }
  try {
    await checkItself({ session, url, edit })
  } catch (error) {
    console.error(`\nThe demo failed: ${error.message}`)
    process.exitCode = 1
  } finally {
    await end()
  }
} else {
  console.log(`Open  ${url}/?name=you`)
  console.log(`Edit  ${join(folder, 'api.ts')} and open it again: no deployment, no restart.`)
  console.log('Stop  with Ctrl+C\n')
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}

/** One line for each invocation, and what the functions print. */
function report(session) {
  const line = ({ functionId, context }, durationMs, outcome) =>
    console.log(
      `${functionId.padEnd(4)} ${context.awsRequestId}  ${String(durationMs).padStart(5)} ms  ${outcome}`,
    )
  session.on('respond', (invocation, { durationMs, bytes }) =>
    line(invocation, durationMs, `answered ${bytes} bytes`),
  )
  session.on('fail', (invocation, { durationMs, error }) =>
    line(invocation, durationMs, `failed: ${error.errorType}: ${error.errorMessage}`),
  )
  session.on('log', ({ functionId, requestId, text }) =>
    console.log(`${functionId.padEnd(4)} ${requestId}  ${text}`),
  )
  session.on('reload', ({ functionId, durationMs, error }) =>
    console.log(
      `${functionId.padEnd(4)} ${error === undefined ? `reloaded in ${durationMs} ms` : error.message}`,
    ),
  )
}
