import { describe, expect, it, onTestFinished } from 'vitest'
import type { PolicyDocument, PolicyStatement } from '../../src/local/index.js'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { event, events, openBroker } from './local-broker-fixture.js'
import { RawMqttClient } from './raw-mqtt-client.js'
import { signedUrl } from './signed-url.js'

const arn = (resource: string) => `arn:aws:iot:us-east-1:123456789012:${resource}`
const allow = (action: string, ...resources: string[]): PolicyStatement => ({
  Effect: 'Allow',
  Action: action,
  Resource: resources.map(arn),
})
const deny = (action: string, ...resources: string[]): PolicyStatement => ({
  ...allow(action, ...resources),
  Effect: 'Deny',
})
const policy = (...statements: PolicyStatement[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements,
})

async function openWith(...statements: PolicyStatement[]) {
  const identity = { accessKeyId: 'AKIA', secretAccessKey: 'secret', policy: policy(...statements) }
  const { broker, clock } = await openBroker({ identities: [identity] })
  const open = async () =>
    RawMqttClient.open(await signedUrl(broker.webSocketUrl, { identity, now: clock.now() }))
  const connect = async (clientId: string) => {
    const client = await open()
    expect(await client.hello({ clientId })).toBe(0)
    return client
  }
  return { broker, open, connect }
}

describe('iot:Connect', () => {
  it('decides on the client id', async () => {
    const { broker, open, connect } = await openWith(allow('iot:Connect', 'client/lt-*'))
    await connect('lt-1')
    const disconnect = event(broker, 'disconnect')
    const stranger = await open()
    // As AWS does: the upgrade succeeds, and CONNECT has no answer.
    expect(await stranger.hello({ clientId: 'xlt-1' })).toBeUndefined()
    expect(await disconnect).toMatchObject({
      reason: 'AUTH_ERROR',
      detail: 'iot:Connect on client/xlt-1 is not allowed',
    })
  })

  it('is denied unless a statement allows it', async () => {
    const { open } = await openWith(allow('iot:Publish', '*'))
    expect(await (await open()).hello()).toBeUndefined()
  })

  it('does not allow a last will that could not be published', async () => {
    const { open } = await openWith(allow('iot:Connect', '*'), allow('iot:Publish', 'topic/mine'))
    const will = { payload: Buffer.from('x'), qos: 0 as const, retain: false }
    expect(await (await open()).hello({ will: { ...will, topic: 'other' } })).toBeUndefined()
    expect(await (await open()).hello({ will: { ...will, topic: 'mine' } })).toBe(0)
  })
})

describe('iot:Publish', () => {
  it('ends the connection of a client that publishes elsewhere', async () => {
    const { broker, connect } = await openWith(
      allow('iot:Connect', '*'),
      allow('iot:Publish', 'topic/app/?/x', 'topic/deep/*'),
      deny('iot:*', 'topic/deep/secret'),
    )
    const published = events(broker, 'publish')
    const good = await connect('good')
    good.publish('app/1/x')
    good.publish('deep/a/b/c')
    await good.ping()
    expect(published.map(({ topic }) => topic)).toEqual(['app/1/x', 'deep/a/b/c'])
    for (const topic of ['app/12/x', 'App/1/x', 'app/1/x/y', 'deep', 'deep/secret']) {
      const bad = await connect(`bad ${topic}`)
      const disconnect = event(broker, 'disconnect')
      bad.publish(topic)
      await bad.closed
      expect(await disconnect).toMatchObject({ reason: 'AUTH_ERROR', clientId: `bad ${topic}` })
    }
    expect(published).toHaveLength(2)
  })

  it('is not enough to leave a retained message', async () => {
    const { connect } = await openWith(
      allow('iot:Connect', '*'),
      allow('iot:Publish', '*'),
      allow('iot:RetainPublish', 'topic/kept'),
    )
    const client = await connect('c')
    client.publish('kept', 'x', { retain: true })
    await client.ping()
    client.publish('other', 'x', { retain: true })
    await client.closed
  })
})

describe('iot:Subscribe', () => {
  it('decides on the topic filter with literal + and #, and ends the connection of a denied client', async () => {
    const { broker, connect } = await openWith(
      allow('iot:Connect', '*'),
      allow('iot:Subscribe', 'topicfilter/a/+', 'topicfilter/b/*'),
    )
    const client = await connect('c')
    expect(await client.subscribe(['a/+', 'b/+', 'b/#'])).toEqual([0, 0, 0])
    for (const filter of ['a/b', 'a/#']) {
      const bad = await connect(`bad ${filter}`)
      const disconnect = event(broker, 'disconnect')
      // One that is not allowed is enough, and no SUBACK says which.
      expect(await bad.subscribe(['a/+', filter])).toBeUndefined()
      await bad.closed
      expect(await disconnect).toMatchObject({
        reason: 'AUTH_ERROR',
        detail: `iot:Subscribe on topicfilter/${filter} is not allowed`,
      })
    }
  })
})

describe('iot:Receive', () => {
  it('withholds denied topics from a wide subscription', async () => {
    const { broker, connect } = await openWith(
      allow('iot:Connect', '*'),
      allow('iot:Publish', '*'),
      allow('iot:Subscribe', '*'),
      allow('iot:Receive', 'topic/mine'),
    )
    const discards = events(broker, 'discard')
    const client = await connect('c')
    await client.subscribe('#', 1)
    client.publish('other')
    client.publish('other', 'x', { qos: 1, messageId: 1 })
    while (discards.length < 2) await event(broker, 'discard')
    client.publish('mine')
    expect((await client.next('publish'))?.topic).toBe('mine')
    expect(client.count('publish')).toBe(0)
    expect(discards).toMatchObject(Array(2).fill({ direction: 'out', topic: 'other', reason: 'policy' }))
  })
})

describe('a policy', () => {
  it('holds for its identity, not for plain TCP', async () => {
    const { broker } = await openWith()
    await (await RawMqttClient.connect(broker.mqttUrl)).ping()
  })

  it('is read as IAM does: actions in any case, resources in the region’s partition and account', async () => {
    const anywhere = (Resource: string): PolicyStatement => ({
      Effect: 'Allow',
      Action: 'IOT:connect',
      Resource,
    })
    const attempt = async (resource: string, region: string) => {
      const identity = { accessKeyId: 'AKIA', secretAccessKey: 'secret', policy: policy(anywhere(resource)) }
      const broker = createLocalBroker({ region, accountId: '1', identities: [identity] })
      onTestFinished(() => broker.close())
      await broker.open()
      const url = await signedUrl(broker.webSocketUrl, { identity, region, now: Date.now() })
      return (await RawMqttClient.open(url)).hello({ clientId: 'c' })
    }
    expect(await attempt('arn:aws:iot:eu-west-1:1:client/c', 'eu-west-1')).toBe(0)
    expect(await attempt('arn:aws-cn:iot:cn-north-1:1:client/c', 'cn-north-1')).toBe(0)
    expect(await attempt('arn:aws:iot:eu-west-1:2:client/c', 'eu-west-1')).toBeUndefined()
    expect(await attempt('arn:aws:iot:eu-west-1:1:client/C', 'eu-west-1')).toBeUndefined()
  })

  it.each([
    ['Condition', { ...allow('iot:Connect', '*'), Condition: {} }],
    ['NotAction', { Effect: 'Allow', NotAction: 'iot:Publish', Resource: '*' }],
    ['Effect', { Effect: 'Maybe', Action: '*', Resource: '*' }],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
    ['Resource', allow('iot:Connect', 'client/${iot:Connection.Thing.ThingName}')],
    ['Action', { Effect: 'Allow', Resource: '*' }],
  ])('is refused at construction where %s is not understood', (name, statement) => {
    const identity = {
      accessKeyId: 'A',
      secretAccessKey: 'S',
      policy: policy(statement as unknown as PolicyStatement),
    }
    expect(() => createLocalBroker({ identities: [identity] })).toThrowError(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(name) }),
    )
  })
})
