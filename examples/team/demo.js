// Two developers on one stage, on this machine: `npx node examples/team/demo.js`. Alice takes every request except those marked for Bob;
// the cloud runs the rest. Against AWS, the cloud is your stage, and each host runs on the laptop of its developer.
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { generateKey, marker } from 'lambda-tether'
import { createLocalCloud } from 'lambda-tether/local'
import { createStub, stubKey } from 'lambda-tether/stub'
import { iot } from 'lambda-tether/transports/iot'

const team = ['alice', 'bob']
const names = { app: 'shop', stage: 'dev' }
const key = generateKey()
const cloud = createLocalCloud()
await cloud.open()
const { region, credentials, iotEndpoint: endpoint } = cloud

// The function: its own code, and the stub in front of it, as the layer puts it there on AWS.
const stub = createStub({
  ...names,
  team,
  key: stubKey({ ...names, key, functionId: 'api' }),
  functionId: 'api',
  transport: iot({ region, credentials, endpoint }),
  passthrough: async () => ({ statusCode: 200, body: 'The cloud' }),
})
const invoke = async (event) => {
  const context = { awsRequestId: randomUUID(), functionName: 'api', getRemainingTimeInMillis: () => 20_000 }
  const payload = Buffer.from(JSON.stringify(await stub(event, context)))
  return { requestId: context.awsRequestId, statusCode: 200, payload, logTail: '', durationMs: 0 }
}
const { url } = await cloud.httpApi({ invoke })
const get = async (headers = {}) => (await fetch(`${url}/orders`, { headers })).text()

/** A developer's host: a process of its own. @param take the card of its session */
async function host(name, take) {
  const child = fork(fileURLToPath(new URL('host.js', import.meta.url)), [], {
    env: {
      ...process.env,
      TETHER: JSON.stringify({ ...names, key, name, team, ...(take && { take }) }),
      BROKER: JSON.stringify({ region, credentials, endpoint }),
    },
  })
  await once(child, 'message')
  return {
    async close() {
      child.send('close')
      await once(child, 'exit')
    },
  }
}

try {
  console.log(`${await get()} answers while nobody is there.`)
  const alice = await host('alice')
  const bob = await host('bob', { marker: 'bob' })
  console.log(`${await get()} answers what is not marked.`)
  console.log(`${await get({ baggage: marker('bob') })} answers what is marked for Bob in its baggage.`)
  console.log(
    `${await get({ cookie: 'theme=dark; x-tether-session=bob' })} answers what a browser with his cookie asks.`,
  )
  await alice.close()
  console.log(`${await get()} answers what is not marked, when Alice has gone home.`)
  await bob.close()
  console.log(`${await get({ 'x-tether-session': 'bob' })} answers when both have.`)
} finally {
  await stub.close()
  await cloud.close()
}
