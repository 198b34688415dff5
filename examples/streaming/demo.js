// node examples/streaming/demo.js, after `npm run build:js`: a browser asks a function behind a function URL, which streams its
// answer word by word as server-sent events. The function is a stub in a small cloud on this machine; the code that runs is in
// ./functions. With --once it checks itself and ends.
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createSession, generateKey, report } from 'lambda-tether'
import { workerThreads } from 'lambda-tether/executors'
import { createLocalCloud } from 'lambda-tether/local'
import { stubBundle, stubEnvironment } from 'lambda-tether/stub'
import { iot } from 'lambda-tether/transports/iot'

const { values } = parseArgs({
  options: { once: { type: 'boolean', default: false }, port: { type: 'string', default: '0' } },
})
const app = { app: 'streaming', stage: 'dev', key: generateKey() }
const cloud = createLocalCloud()
await cloud.open()
const { region, credentials, iotEndpoint: endpoint } = cloud

// The cloud's side: a function that holds nothing but the stub, which streams, behind a URL that does.
const fn = cloud.function({
  name: 'streaming-dev-chat',
  bundle: stubBundle('iot').path,
  handler: 'stub-iot.handler',
  timeoutMs: 60_000,
  environment: stubEnvironment({ ...app, functionId: 'chat', endpoint, streaming: true }),
})
const { url } = await cloud.functionUrl(fn, { invokeMode: 'RESPONSE_STREAM', port: Number(values.port) })

// The developer's side.
const session = createSession({ ...app, transport: iot({ region, credentials, endpoint }) })
const chat = fileURLToPath(new URL('./functions/chat.mjs', import.meta.url))
session.serve({ executor: workerThreads(), functions: { chat } })
report(session)
await session.open()

const end = async () => {
  await session.close()
  await cloud.close()
}
if (values.once) {
  try {
    await checkItself()
  } finally {
    await end()
  }
} else {
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  console.log(`Open  ${url} and ask.`)
  console.log('Stop  with Ctrl+C\n')
}

/** Asks as the page does; throws unless the answer's words come one after another. */
async function checkItself() {
  assert.match(await (await fetch(url)).text(), /<title>Streaming/)
  const response = await fetch(`${url}/events?question=tests`)
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  const reads = []
  for await (const bytes of response.body) reads.push(Buffer.from(bytes).toString())
  const words = [...reads.join('').matchAll(/"word":"(.+?)"/g)].map(([, word]) => word)
  assert.match(words.join(' '), /^You ask about tests\. This code runs on your machine/)
  assert(reads.length > 1, 'the answer came as a whole')
  console.log(`\n${words.length} words came in ${reads.length} parts.`)
}
