// npm run demo: an HTTP request reaches an `api` function, which publishes to a topic, which invokes `sns` and, in Python,
// `words`. All are stubs in a small cloud on this machine; the code that runs is in ./functions. With --once it checks
// itself and ends; with --transport api-gateway frames travel through an API Gateway WebSocket API in place of AWS IoT.
import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createSession, generateKey, printable, report } from 'lambda-tether'
import { childProcesses } from 'lambda-tether/executors'
import { inspect } from 'lambda-tether/inspector'
import { createLocalCloud } from 'lambda-tether/local'
import { stubBundle, stubEnvironment } from 'lambda-tether/stub'
import { apiGateway } from 'lambda-tether/transports/api-gateway'
import { iot } from 'lambda-tether/transports/iot'
import { checkItself } from './once.js'

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    transport: { type: 'string', default: 'iot' },
    // The same at each start, so that a tab of a browser can stay open.
    port: { type: 'string', default: '4310' },
  },
})
const { once, transport } = values
const transports = { iot, 'api-gateway': apiGateway }
if (!Object.hasOwn(transports, transport))
  throw new Error(`--transport is ${Object.keys(transports).join(' or ')}`)
const original = fileURLToPath(new URL('./functions', import.meta.url))
// The self-check edits code, so it works on a copy.
const folder = once ? await mkdtemp(join(tmpdir(), 'quickstart-')) : original
if (once) await cp(original, folder, { recursive: true })
const python = spawnSync('python3', ['--version']).status === 0
if (!python) console.log('There is no python3 on the PATH: the function in Python is left out.\n')

const app = { app: 'quickstart', stage: 'dev', key: generateKey() }
const cloud = createLocalCloud()
await cloud.open()

// The way of the frames: the deployed part, and one line of the session.
const { region, credentials } = cloud
const endpoint = transport === 'iot' ? cloud.iotEndpoint : (await cloud.debugStack(app)).endpoint

// The cloud's side: functions that hold nothing but the stub.
const topic = cloud.topic('greetings')
const deploy = (functionId) =>
  cloud.function({
    name: `quickstart-dev-${functionId}`,
    bundle: stubBundle(transport).path,
    handler: `stub-${transport}.handler`,
    timeoutMs: 20_000,
    environment: {
      ...stubEnvironment({ ...app, functionId, endpoint }),
      TOPIC_ARN: topic.arn,
    },
  })
const { url } = await httpApi(deploy('api'))
topic.subscribe(deploy('sns'))
if (python) topic.subscribe(deploy('words'))

// The developer's side: a session that runs local code, each execution environment in a process of its own.
const session = createSession({ ...app, transport: transports[transport]({ region, credentials, endpoint }) })
session.serve({
  // Runs Node and Python; for Node alone, `workerThreads()` does the same in threads.
  executor: childProcesses(),
  functions: {
    api: join(folder, 'api.ts#handler'),
    sns: join(folder, 'sns.ts#handler'),
    words: join(folder, 'words.py#handler'),
  },
})
const inspector = await inspect(session, { folder: original })
report(session, { link: inspector.link })
await session.open()

/** The usual port, or a free one if that is taken. */
async function httpApi(target) {
  if (once) return cloud.httpApi(target)
  const port = Number(values.port)
  try {
    return await cloud.httpApi(target, { port })
  } catch (error) {
    if (error.cause?.code !== 'EADDRINUSE') throw error
    console.log(`Port ${port} is taken, by another demo perhaps: this one takes a free one.\n`)
    return cloud.httpApi(target)
  }
}

const end = async () => {
  const { running } = session.stats().invocations
  if (running > 0) {
    console.log(
      `Waiting for ${running} invocation${running === 1 ? '' : 's'} to end; Ctrl+C again stops them.`,
    )
  }
  await session.close()
  await cloud.close()
  if (once) await rm(folder, { recursive: true })
}
console.log(`Look  ${inspector.url}`)
if (once) {
  const edit = async (file, from, to) => {
    const path = join(folder, file)
    await writeFile(`${path}.new`, (await readFile(path, 'utf8')).replace(from, to))
    await rename(`${path}.new`, path)
  }
  try {
    await checkItself({ session, url, edit, python })
  } catch (error) {
    console.error(`\nThe demo failed: ${printable(error.message)}`)
    process.exitCode = 1
  } finally {
    await end()
  }
} else {
  let ending
  const stop = () => {
    if (ending === undefined) ending = end()
    else void session.close({ signal: AbortSignal.abort() })
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  console.log(`Open  ${url}/?name=you`)
  console.log(`Edit  the code in ${folder} and open it again: no deployment, no restart.`)
  console.log('Stop  with Ctrl+C\n')
}
