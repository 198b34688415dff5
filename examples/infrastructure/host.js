// npm run demo:infrastructure: functions of a CDK app are live, and changes of the app are shown, asked about, and then deployed to a small
// cloud on this machine. Without a terminal they are only shown. With --once it checks itself and ends. Needs aws-cdk-lib and constructs.
import { cp, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'
import { createSession, generateKey, report } from 'lambda-tether'
import { cdk, deployedBaseline, fileSnapshots, watchInfrastructure } from 'lambda-tether/deploy'
import { workerThreads } from 'lambda-tether/executors'
import { createLocalCloud } from 'lambda-tether/local'
import { iot } from 'lambda-tether/transports/iot'
import { deployer } from './deploy.js'
import { checkItself } from './once.js'

const once = process.argv.includes('--once')
const original = fileURLToPath(new URL('.', import.meta.url))
const temporary = await realpath(await mkdtemp(join(tmpdir(), 'infrastructure-')))
// The self-check edits the app, so it works on a copy.
const folder = once ? join(temporary, 'app') : original
if (once) {
  await cp(original, folder, { recursive: true })
  const modules = dirname(dirname(createRequire(import.meta.url).resolve('aws-cdk-lib/package.json')))
  await symlink(modules, join(folder, 'node_modules'), 'junction')
}

const app = { app: 'infrastructure', stage: 'dev', key: generateKey() }
const cloud = createLocalCloud()
await cloud.open()
const {
  region,
  credentials,
  iotEndpoint: endpoint,
  lambdaEndpoint,
  iamEndpoint,
  cloudFormationEndpoint,
} = cloud

const session = createSession({ ...app, transport: iot({ region, credentials, endpoint }) })
session.serve({
  executor: workerThreads(),
  functions: {
    'shop-api': join(folder, 'functions/api.js#handler'),
    'shop-worker': join(folder, 'functions/worker.js#handler'),
  },
})
report(session)
await session.open()

const infrastructure = watchInfrastructure({
  synth: cdk({ cwd: folder, app: `"${process.execPath}" app.js` }),
  baseline: deployedBaseline({ region, credentials, cloudFormationEndpoint }),
  deploy: deployer({ region, credentials, endpoint: cloudFormationEndpoint }),
  goLive: {
    functions: ['shop-api', 'shop-worker'],
    bundle: 'iot',
    stub: { ...app, endpoint },
    snapshots: fileSnapshots(join(temporary, 'snapshots')),
    region,
    credentials,
    lambdaEndpoint,
    iamEndpoint,
  },
})
infrastructure.on('error', (error) => console.error(`\n${error.message}`))
infrastructure.on('none', () => console.log('\nWhat is deployed is what the app says.'))

const terminal = process.stdin.isTTY
  ? createInterface({ input: process.stdin, output: process.stdout })
  : undefined

/** Shows a change; on a terminal it asks. */
async function ask(question) {
  console.log(`\n${question}`)
  if (terminal === undefined) return console.log('Nothing is deployed without a terminal.')
  // A newer change ends the question.
  const answer = await terminal
    .question('Enter deploys, s skips: ', { signal: question.signal })
    .catch(() => undefined)
  if (answer === undefined) return
  if (answer.trim() === 's') await question.decline()
  else await deploy(question)
}

async function deploy(question) {
  const { plan } = await question.deploy()
  console.log(`\nDeployed. Before the functions went live again:\n${plan}`)
}

const end = async () => {
  terminal?.close()
  await infrastructure.close()
  await session.close()
  await cloud.close()
  await rm(temporary, { recursive: true })
}
if (once) {
  try {
    await checkItself({ infrastructure, deploy, cloud, folder })
  } catch (error) {
    console.error(`\nThe example failed: ${error.stack}`)
    process.exitCode = 1
  } finally {
    await end()
  }
} else {
  infrastructure.on('change', ask)
  console.log(`Edit  ${join(folder, 'shop.js')}: add a queue, a variable or a function.`)
  console.log('Stop  with Ctrl+C\n')
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  terminal?.once('SIGINT', end)
}
