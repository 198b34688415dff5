// npm run demo:vite: a dev server that has its own module graph, Vite's, serves real invocations from it. The stub runs
// in a small cloud on this machine; the code is in ./functions. With --once it checks itself and ends.
import { cp, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSession, generateKey, report } from 'lambda-tether'
import { inline } from 'lambda-tether/executors'
import { inspect } from 'lambda-tether/inspector'
import { createLocalCloud } from 'lambda-tether/local'
import { stubBundle, stubEnvironment } from 'lambda-tether/stub'
import { iot } from 'lambda-tether/transports/iot'
import { createServer } from 'vite'
import { checkItself } from './once.js'
import { viteFunctions } from './vite-functions.js'

const once = process.argv.includes('--once')
const original = fileURLToPath(new URL('.', import.meta.url))
// The self-check edits code, so it works on a copy.
const root = once ? await realpath(await mkdtemp(join(tmpdir(), 'dev-server-'))) : original
if (once) await cp(join(original, 'functions'), join(root, 'functions'), { recursive: true })

const app = { app: 'vite', stage: 'dev', key: generateKey() }
const cloud = createLocalCloud()
await cloud.open()
const { url } = await cloud.httpApi(
  cloud.function({
    name: 'vite-dev-api',
    bundle: stubBundle('iot').path,
    handler: 'stub-iot.handler',
    timeoutMs: 20_000,
    environment: stubEnvironment({ ...app, functionId: 'api', endpoint: cloud.iotEndpoint }),
  }),
)

const functions = viteFunctions()
const server = await createServer({
  root,
  configFile: false,
  appType: 'custom',
  // No page of a browser here: neither a port nor a socket for one.
  server: { middlewareMode: true, ws: false },
  optimizeDeps: { noDiscovery: true },
  plugins: [functions.plugin],
})

const { region, credentials, iotEndpoint: endpoint } = cloud
const session = createSession({ ...app, transport: iot({ region, credentials, endpoint }) })
session.serve({ executor: inline(), functions: { api: functions.source('/functions/api.ts') } })
const inspector = await inspect(session, { folder: original })
report(session, { link: inspector.link })
await session.open()

const end = async () => {
  await session.close()
  await server.close()
  await cloud.close()
  if (once) await rm(root, { recursive: true })
}
if (once) {
  try {
    await checkItself({ session, url, file: join(root, 'functions/greeting.ts') })
  } catch (error) {
    console.error(`\nThe example failed: ${error.stack}`)
    process.exitCode = 1
  } finally {
    await end()
  }
} else {
  console.log(`Open  ${url}/?name=you`)
  console.log(`Look  ${inspector.url}`)
  console.log(`Edit  the code in ${join(root, 'functions')} and open it again.`)
  console.log('Stop  with Ctrl+C\n')
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}
