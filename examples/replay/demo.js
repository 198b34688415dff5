// node examples/replay/demo.js: a webhook arrives once, and fails. The recorded event runs again after each save, until the code
// is right, and then becomes a unit test. Everything here is local; with a stage on AWS only `session` remains.
import { createHmac } from 'node:crypto'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSession, diff, generateKey } from 'lambda-tether'
import { workerThreads } from 'lambda-tether/executors'
import { createLocalCloud } from 'lambda-tether/local'
import { record, writeFixture } from 'lambda-tether/recorder'
import { stubBundle, stubEnvironment } from 'lambda-tether/stub'
import { iot } from 'lambda-tether/transports/iot'

const here = fileURLToPath(new URL('.', import.meta.url))
/** Where the code is edited, and the test is kept. */
const out = join(here, 'out')
const code = join(out, 'webhook.js')
const secret = 'only-for-tests'

await rm(out, { recursive: true, force: true })
await mkdir(out)
await copyFile(join(here, 'functions/webhook.js'), code)

const cloud = createLocalCloud()
await cloud.open()
const { region, credentials, iotEndpoint: endpoint } = cloud
const tether = { app: 'replay', stage: 'dev', key: generateKey() }
const { url } = await cloud.httpApi(
  cloud.function({
    name: 'replay-dev-webhook',
    bundle: stubBundle('iot').path,
    handler: 'stub-iot.handler',
    timeoutMs: 20_000,
    environment: stubEnvironment({ ...tether, functionId: 'webhook', endpoint }),
  }),
)
const session = createSession({ ...tether, transport: iot({ region, credentials, endpoint }) })
session.serve({
  executor: workerThreads(),
  functions: { webhook: `${code}#handler` },
  env: { WEBHOOK_SECRET: secret },
})
const recorder = record(session)
await session.open()

const body = '{ "order": 7 }'
const signature = createHmac('sha256', secret).update(body).digest('hex')
const recorded = new Promise((resolve) => recorder.on('record', resolve))
const response = await fetch(`${url}/webhook`, {
  method: 'POST',
  body,
  headers: { 'content-type': 'application/json', 'x-signature': signature },
})
console.log(`The webhook was answered with ${response.status}: ${await response.text()}`)
const arrived = await recorded

const outcome = await new Promise((resolve, reject) => {
  session.replayOnSave(arrived, { onOutcome: resolve })
  mend().catch(reject)
})
console.log('It was run again when the code was saved:')
console.log(String(diff(arrived, outcome)))

await writeFixture(join(out, 'webhook.json'), arrived)
await copyFile(join(here, 'webhook.test.js'), join(out, 'webhook.test.js'))
console.log('It is a test now: npx vitest run --root examples/replay')
await session.close()
await cloud.close()

/** Acts as a developer in an editor. */
async function mend() {
  const text = await readFile(code, 'utf8')
  await writeFile(code, text.replace('JSON.stringify(JSON.parse(body))', 'body'))
}
