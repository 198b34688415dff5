import { describe, expect, onTestFinished, test } from 'vitest'
import { iotPolicy } from '../../src/deploy/index.js'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { iotLight } from '../../src/transports/iot/light.js'
import { iot } from '../../src/transports/iot.js'
import { keptTopicOf } from '../../src/transports/mqtt/topics.js'
import { mosquitto, startMosquitto } from '../support/mosquitto.js'
import { makeCertificates } from '../support/tls.js'
import { CLIENTS } from './clients.js'
import { failure, Inbox, session, stub } from './inbox.js'
import { ScriptedBroker } from './scripted-broker.js'

const region = 'us-east-1'
const will = Buffer.from('lost')
const KEPT = keptTopicOf(session)

/** A local broker, and an identity with its role's policy but for some statements, by the ends of their names. */
async function without(role: 'session' | 'stub', ...left: string[]) {
  const policy = iotPolicy({ app: 'shop', stage: 'dev', role, region, accountId: '123456789012' })
  const Statement = policy.Statement.filter(({ Sid }) => !left.includes(Sid.replace('LambdaTether', '')))
  const identity = { accessKeyId: 'AKIA', secretAccessKey: 'secret', policy: { ...policy, Statement } }
  const broker = createLocalBroker({ identities: [identity], limits: { connectIntervalMs: 0 } })
  onTestFinished(() => broker.close())
  await broker.open()
  const options = { endpoint: broker.webSocketUrl, region }
  return {
    broker,
    transport:
      role === 'stub'
        ? iotLight({ ...options, credentials: () => identity })
        : iot({ ...options, credentials: identity }),
  }
}

describe('AWS IoT ends a connection without a reason', () => {
  test.each([
    [
      'stub',
      stub,
      /iot:Connect on client\/lt-[0-9a-f]{16}-stub-\* is not allowed: attach iotPolicy\(\{ …, role: 'stub'/,
    ],
    [
      'session',
      session,
      /iot:Connect on client\/lt-[0-9a-f]{16}-session-\*.*RetainPublish on topic\/.*role: 'session'/,
    ],
  ] as const)('at CONNECT: the error of a %s names iot:Connect, not presence', async (role, self, words) => {
    const { transport } = await without(role, 'Connect')
    const options = { watch: [session], ...(role === 'session' && { will }) }
    const error = await failure(transport.connect(self, new Inbox(), options))
    expect(error).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(words),
      details: { during: 'connect', refused: true },
    })
    expect(error.message).not.toContain("'presence'")
  })

  test('at SUBSCRIBE: a stub without the right to presence serves without it', async () => {
    const { broker, transport } = await without('stub', 'SubscribePresence')
    const inbox = new Inbox()
    await using connection = await transport.connect(stub, inbox, { watch: [session] })
    await connection.send({ ...session, lane: 3 }, Buffer.from('frame'))
    expect(broker.stats().connections).toBe(1)
  })

  test.each([
    ['stub', stub, 'Subscribe'],
    ['session', session, 'Subscribe'],
    ['session', session, 'SubscribePresence'],
  ] as const)('at SUBSCRIBE: a %s names its topics and the policy', async (role, self, left) => {
    const { transport } = await without(role, left)
    const error = await failure(transport.connect(self, new Inbox(), { watch: [session] }))
    expect(error).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(`iot:Subscribe is not allowed.*${KEPT}.*iotPolicy.*role: '${role}'`),
      details: { during: 'subscribe', refused: true },
    })
  })

  test.each([
    ['Publish', /'lambda-tether\/shop\/dev\/stub\/environment-1_+'.*iot:Publish is not/],
    ['RetainPublish', /presence\/default'.*iot:Publish or iot:RetainPublish is not/],
  ])('at a publish: the error of a session without iot:%s names the topic', async (left, words) => {
    const { transport } = await without('session', left)
    const connection = await transport.connect(session, new Inbox(), { watch: [session] })
    if (left === 'Publish') await connection.send(stub, Buffer.from('frame'))
    else await connection.keep!(Buffer.from('here'))
    const error = await connection.closed
    expect(error).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(words),
      details: { during: 'publish', refused: true },
    })
  })

  test('after a frame arrived on the connection: not treated as a refusal', async () => {
    const { transport } = await without('session', 'Publish')
    const inbox = new Inbox()
    const connection = await transport.connect(session, inbox, { watch: [session] })
    await connection.send({ ...session, lane: 0 }, Buffer.from('claim'))
    await inbox.next()
    await connection.send(stub, Buffer.from('frame'))
    const { details } = (await connection.closed)!
    expect(details).toMatchObject({ during: 'publish' })
    expect(details).not.toHaveProperty('refused')
  })

  test('while the connection is idle: no such advice', async () => {
    const { broker, transport } = await without('stub')
    const connection = await transport.connect(stub, new Inbox(), { watch: [session] })
    broker.disconnectAll()
    const { message, details } = (await connection.closed)!
    expect(message).not.toContain('iotPolicy')
    expect(details).not.toHaveProperty('refused')
  })
})

describe.each(CLIENTS)('$client', ({ make }) => {
  test('advises mqtts:// when the answer is not MQTT, or the connection is reset', async () => {
    await using broker = await ScriptedBroker.listen()
    // A TLS alert, as a TLS server answers a CONNECT.
    for (const answer of ['alert', 'reset'] as const) {
      const failed = failure(make({ url: broker.url }).connect(session, new Inbox()))
      const peer = await broker.accept()
      await peer.next('connect')
      if (answer === 'reset') peer.socket.resetAndDestroy()
      else peer.socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 70]))
      const { message } = await failed
      expect(message).toContain('mqtts://')
      expect(message).not.toContain('presence')
    }
  })

  test.skipIf(!mosquitto)('advises mqtts:// at a TLS port of Mosquitto (needs Mosquitto)', async () => {
    await using certificates = await makeCertificates()
    await using broker = await startMosquitto({ tls: certificates })
    const url = broker.tlsUrl.replace('mqtts:', 'mqtt:')
    const self = { ...session }
    expect(await failure(make({ url }).connect(self, new Inbox(), { will }))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('begins with mqtts://'),
      details: { during: 'connect' },
    })
  })
})
