// The cost of sharing a stage. `patternMs`: processor time of 1,000 evaluations of a pattern on an event of 100 KB with
// 1,000 elements. `coldCpuMs`: processor time of a cold environment's first invocation over AWS IoT's double, with one
// name and with a team of seven that all have a card. `changedMs`: from a changed card to the first invocation of a
// warm environment that follows it. Options: --count N (processes of each kind, default 9).

import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { createSession, generateKey } from 'lambda-tether'
import { createLocalCloud } from 'lambda-tether/local'
import { createStub, stubBundle, stubEnvironment, stubKey } from 'lambda-tether/stub'
import { iot } from 'lambda-tether/transports/iot'
import { startProcess } from './process/start.js'
import { median } from './statistics/quantile.js'

const NAMES = { app: 'bench', stage: 'dev' }
const TEAM = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
const EVALUATIONS = 1_000

export async function run(args) {
  const { values } = parseArgs({ args, options: { count: { type: 'string', default: '9' } } })
  const count = Number(values.count)
  const key = generateKey()
  const cloud = createLocalCloud()
  await cloud.open()
  const { region, credentials, iotEndpoint: endpoint } = cloud
  const transport = iot({ region, credentials, endpoint })
  const open = async (name, team, take) => {
    const session = createSession({ ...NAMES, key, name, team, take, transport })
    session.on('invoke', (invocation) => invocation.respond(name))
    return session.open()
  }
  const sessions = [await open('alone')]
  try {
    for (const name of TEAM)
      sessions.push(await open(name, TEAM, { event: { of: [name, name.toUpperCase()] } }))
    const alone = []
    const shared = []
    const environment = (more) => ({
      ...stubEnvironment({ ...NAMES, key, functionId: 'api', endpoint, ...more }),
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      BENCH_BUNDLE: stubBundle('iot').path,
    })
    for (let nth = 0; nth < count; nth++) {
      alone.push(await coldCpuMs(environment({ session: 'alone' })))
      shared.push(await coldCpuMs(environment({ team: TEAM })))
    }
    const changed = await changedMs(sessions[7], { key, transport })
    return {
      count,
      patternMs: round(await patternMs()),
      coldCpuMs: { one: round(median(alone)), seven: round(median(shared)) },
      changedMs: round(changed),
    }
  } finally {
    await Promise.all(sessions.map((session) => session.close()))
    await cloud.close()
  }
}

async function coldCpuMs(env) {
  const stub = startProcess(new URL('./sharing/stub-process.js', import.meta.url), env)
  const { cpuMs } = await stub.message('answered')
  await stub.end()
  return cpuMs
}

async function changedMs(session, { key, transport }) {
  const stub = createStub({
    ...NAMES,
    key: stubKey({ ...NAMES, key, functionId: 'api' }),
    functionId: 'api',
    team: TEAM,
    transport,
    env: {},
    passthrough: async () => 'cloud',
  })
  const invoke = () =>
    stub(
      { of: 'changed' },
      { awsRequestId: 'r', functionName: 'api', getRemainingTimeInMillis: () => 10_000 },
    )
  await invoke()
  const times = []
  for (let nth = 0; nth < 4; nth++) {
    const wanted = nth % 2 === 0 ? 'g' : 'cloud'
    // The broker lets a retained message be replaced once a second.
    await new Promise((resolve) => setTimeout(resolve, 1_300))
    const since = performance.now()
    session.setTake({ event: { of: [nth % 2 === 0 ? 'changed' : 'g'] } })
    while ((await invoke()) !== wanted) await new Promise((resolve) => setTimeout(resolve, 5))
    times.push(performance.now() - since)
  }
  await stub.close()
  return median(times)
}

/** The engine is not part of the package's interface: it is bundled for this benchmark. */
async function patternMs() {
  const entry = fileURLToPath(new URL('../src/core/pattern/event-pattern.ts', import.meta.url))
  const options = { bundle: true, format: 'esm', platform: 'node', write: false }
  const { outputFiles } = await build({ entryPoints: [entry], ...options })
  const code = Buffer.from(outputFiles[0].contents).toString('base64')
  const { compilePattern } = await import(`data:text/javascript;base64,${code}`)
  const matches = compilePattern('event', {
    'detail-type': [{ prefix: 'Order' }],
    detail: {
      orders: {
        customer: [{ suffix: '@none.test' }, { wildcard: '*x*y*z' }],
        total: [{ numeric: ['>', 1e6] }],
      },
      $or: [{ region: [{ 'anything-but': ['eu-west-1'] }] }, { missing: [{ exists: true }] }],
    },
  })
  const order = (nth) => ({ customer: `customer-${nth}@example.test`, total: nth, note: 'n'.repeat(50) })
  const orders = Array.from({ length: 1_000 }, (_, nth) => order(nth))
  const event = { 'detail-type': 'OrderPlaced', detail: { region: 'eu-west-1', orders } }
  if (JSON.stringify(event).length < 100_000) throw new Error('The event is too small.')
  const before = process.cpuUsage()
  for (let nth = 0; nth < EVALUATIONS; nth++) if (matches(event)) throw new Error('It matched.')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

const round = (value) => Math.round(value * 10) / 10
