import { expect, it, onTestFinished } from 'vitest'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import { createLocalBroker, createLocalCloud } from '../../src/local/index.js'
import { iot } from '../../src/transports/iot.js'
import { outcome, wrappedFunction } from './wrapped-function.js'

it('a wrapped function that may connect and not publish runs its own code without waiting for a session', async () => {
  const cloud = createLocalCloud()
  onTestFinished(() => cloud.close())
  await cloud.open()
  const { region, credentials } = cloud
  const Statement = {
    Effect: 'Allow',
    Action: ['iot:Connect', 'iot:Subscribe', 'iot:Receive'],
    Resource: '*',
  } as const
  const policy = { Version: '2012-10-17', Statement }
  const broker = createLocalBroker({
    region,
    identities: [{ ...credentials, policy }],
    limits: { connectIntervalMs: 0 },
  })
  onTestFinished(() => broker.close())
  await broker.open()
  const cuts: string[] = []
  broker.on('disconnect', ({ reason }) => cuts.push(reason))
  const stub = {
    app: 'shop',
    stage: 'dev',
    key: generateKey(),
    functionId: 'api',
    endpoint: broker.webSocketUrl,
    // To wait for a session would take longer than this test may.
    ackTimeoutMs: 240_000,
  }
  const files = { 'index.js': `exports.handler = async () => 'cloud'` }
  const fn = await wrappedFunction(cloud, { bundle: 'iot', stub, files, timeoutMs: 600_000 })
  for (let n = 0; n < 3; n++)
    expect(await outcome(fn)).toMatchObject({ answer: 'cloud', functionError: undefined })
  expect(cuts.length).toBeGreaterThanOrEqual(2)
})

// As after going live on AWS: policies take minutes to hold.
it('a wrapped function without its permissions runs its own code at once, and goes live once they apply', async () => {
  const cloud = createLocalCloud()
  onTestFinished(() => cloud.close())
  await cloud.open()
  const { region, credentials } = cloud
  /** A broker on one port that allows these actions, or everything. */
  const openBroker = async (port: number, actions?: string) => {
    const Statement = { Effect: 'Allow', Action: actions ?? '*', Resource: '*' } as const
    const policy = { Version: '2012-10-17', Statement }
    const broker = createLocalBroker({ region, port, identities: [{ ...credentials, policy }] })
    onTestFinished(() => broker.close())
    await broker.open()
    return broker
  }

  const refusing = await openBroker(0, 'iot:Publish')
  const endpoint = refusing.webSocketUrl
  const key = generateKey()
  // To wait for a connection would take longer than this test may.
  const minutes = { connectTimeoutMs: 240_000 }
  const stub = { app: 'shop', stage: 'dev', key, functionId: 'api', endpoint, ...minutes }
  const files = { 'index.js': `exports.handler = async () => 'cloud'` }
  const fn = await wrappedFunction(cloud, { bundle: 'iot', stub, files, timeoutMs: 600_000 })
  expect(await outcome(fn)).toMatchObject({ answer: 'cloud', functionError: undefined })
  const { port } = new URL(endpoint)
  await refusing.close()

  await openBroker(Number(port))
  const session = createSession({
    app: 'shop',
    stage: 'dev',
    key,
    transport: iot({ region, credentials, endpoint }),
  })
  onTestFinished(() => session.close())
  session.serve({ functions: { api: async () => 'local' } })
  await session.open()
  let answer: unknown
  do ({ answer } = await outcome(fn))
  while (answer === 'cloud')
  expect(answer).toBe('local')
})
