import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { generateKey } from '../../src/core/wire/root-key.js'
import { createSession } from '../../src/create-session.js'
import { createLocalCloud } from '../../src/local/index.js'
import { mqtt } from '../../src/transports/mqtt.js'
import { mosquitto, startMosquitto } from '../support/mosquitto.js'
import { outcome, wrappedFunction } from './wrapped-function.js'

it.skipIf(!mosquitto)(
  'a deployed stub speaks to a broker that wants a password and takes small messages only (needs Mosquitto)',
  async () => {
    const login = { username: 'ada@home', password: '100%/secret' }
    await using broker = await startMosquitto({
      users: { [login.username]: login.password },
      settings: ['message_size_limit 2200'],
    })
    const options = { url: broker.url, ...login, frameBytes: 2_048 }
    const cloud = createLocalCloud()
    onTestFinished(() => cloud.close())
    await cloud.open()
    const key = generateKey()
    const session = createSession({ app: 'shop', stage: 'dev', key, transport: mqtt(options) })
    onTestFinished(() => session.close())
    session.serve({ functions: { api: async ({ text }: { text: string }) => text } })
    await session.open()
    const stub = { app: 'shop', stage: 'dev', key, functionId: 'api', ...options }
    const fn = await wrappedFunction(cloud, {
      stub,
      files: { 'index.js': `exports.handler = async () => 'cloud'` },
    })
    const text = randomBytes(10_000).toString('hex')
    expect((await outcome(fn, { text })).answer).toBe(text)
  },
)
