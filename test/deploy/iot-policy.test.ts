import { describe, expect, it, onTestFinished } from 'vitest'
import { type IamPolicy, type IotPolicyOptions, iotPolicy } from '../../src/deploy/index.js'
import type { Endpoint } from '../../src/index.js'
import { createLocalBroker } from '../../src/local/iot/broker.js'
import { iot } from '../../src/transports/iot.js'
import { clientIdPrefix, filterOf, keptTopicOf, topicOf } from '../../src/transports/mqtt/topics.js'
import { event, events, openBroker } from '../local/local-broker-fixture.js'
import { RawMqttClient } from '../local/raw-mqtt-client.js'
import { signedUrl } from '../local/signed-url.js'
import { Inbox } from '../transports/inbox.js'

const here = { app: 'shop', stage: 'dev' } as const
// biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
const hostile = ['*', '?', '+', '#', 'a/b', '${aws:userid}', '$aws', 'a:b', '漢', 'x'.repeat(65), '..\n', '~']

function resources(options: IotPolicyOptions): Record<string, string> {
  const { Statement } = iotPolicy(options)
  return Object.fromEntries(
    Statement.map(({ Sid, Resource }) => [Sid.replace('LambdaTether', 'iot:'), Resource]),
  )
}

describe('iotPolicy of a team', () => {
  const team = ['alice', 'bob', 'carol']

  it('lets a stub send to each, and read whether each is there', () => {
    const rights = resources({ ...here, role: 'stub', team })
    const of = (sid: string) =>
      Object.entries(rights)
        .filter(([name]) => name.startsWith(`iot:${sid}`))
        .map(([, resource]) => resource)
    expect(of('Publish')).toEqual(
      team.map((name) =>
        expect.stringMatching(new RegExp(`:topic/lambda-tether/shop/dev/session/${name}/\\*$`)),
      ),
    )
    for (const right of ['SubscribePresence', 'ReceivePresence'])
      expect(of(right)).toEqual(team.map((name) => expect.stringMatching(new RegExp(`/presence/${name}$`))))
    expect(new Set(Object.keys(rights)).size).toBe(
      iotPolicy({ ...here, role: 'stub', team }).Statement.length,
    )
    expect(JSON.stringify(iotPolicy({ ...here, role: 'stub', team })).length).toBeLessThan(10_240)
  })

  it('lets a session be itself alone, and read the presence of the others', () => {
    const rights = resources({ ...here, role: 'session', session: 'bob', team })
    const own = Object.entries(rights).filter(([name]) => !/^iot:(Subscribe|Receive)Presence\d?$/.test(name))
    expect(JSON.stringify(own)).not.toMatch(/alice|carol/)
    expect(JSON.stringify(rights)).toMatch(/presence\/alice.*presence\/carol/)
    expect(() => iotPolicy({ ...here, role: 'session', session: 'dave', team })).toThrow("'dave'")
  })
})

describe('iotPolicy', () => {
  it('lets a session connect, receive on its lanes, send to stubs and find the endpoint', () => {
    const place = { region: 'eu-west-1', accountId: '123456789012' }
    expect(iotPolicy({ ...here, ...place, role: 'session' })).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'LambdaTetherConnect',
          Effect: 'Allow',
          Action: 'iot:Connect',
          Resource: expect.stringMatching(
            /^arn:aws:iot:eu-west-1:123456789012:client\/lt-[0-9a-f]{16}-session-\*$/,
          ),
        },
        {
          Sid: 'LambdaTetherSubscribe',
          Effect: 'Allow',
          Action: 'iot:Subscribe',
          Resource: 'arn:aws:iot:eu-west-1:123456789012:topicfilter/lambda-tether/shop/dev/session/default/*',
        },
        {
          Sid: 'LambdaTetherReceive',
          Effect: 'Allow',
          Action: 'iot:Receive',
          Resource: 'arn:aws:iot:eu-west-1:123456789012:topic/lambda-tether/shop/dev/session/default/*',
        },
        {
          Sid: 'LambdaTetherPublish',
          Effect: 'Allow',
          Action: 'iot:Publish',
          Resource: 'arn:aws:iot:eu-west-1:123456789012:topic/lambda-tether/shop/dev/stub/*',
        },
        {
          Sid: 'LambdaTetherSubscribePresence',
          Effect: 'Allow',
          Action: 'iot:Subscribe',
          Resource: 'arn:aws:iot:eu-west-1:123456789012:topicfilter/lambda-tether/shop/dev/presence/default',
        },
        {
          Sid: 'LambdaTetherReceivePresence',
          Effect: 'Allow',
          Action: 'iot:Receive',
          Resource: 'arn:aws:iot:eu-west-1:123456789012:topic/lambda-tether/shop/dev/presence/default',
        },
        {
          Sid: 'LambdaTetherPublishPresence',
          Effect: 'Allow',
          Action: 'iot:Publish',
          Resource: 'arn:aws:iot:eu-west-1:123456789012:topic/lambda-tether/shop/dev/presence/default',
        },
        {
          Sid: 'LambdaTetherRetainPublish',
          Effect: 'Allow',
          Action: 'iot:RetainPublish',
          Resource: 'arn:aws:iot:eu-west-1:123456789012:topic/lambda-tether/shop/dev/presence/default',
        },
        {
          Sid: 'LambdaTetherClaim',
          Effect: 'Allow',
          Action: 'iot:Publish',
          Resource: 'arn:aws:iot:eu-west-1:123456789012:topic/lambda-tether/shop/dev/session/default/0',
        },
        {
          Sid: 'LambdaTetherDescribeEndpoint',
          Effect: 'Allow',
          Action: 'iot:DescribeEndpoint',
          Resource: '*',
        },
      ],
    })
  })

  it('is the reverse for a stub, without the look-up', () => {
    expect(resources({ ...here, role: 'stub', session: 'ann' })).toEqual({
      'iot:Connect': expect.stringMatching(/^arn:aws:iot:\*:\*:client\/lt-[0-9a-f]{16}-stub-\*$/),
      'iot:Subscribe': 'arn:aws:iot:*:*:topicfilter/lambda-tether/shop/dev/stub/*',
      'iot:Receive': 'arn:aws:iot:*:*:topic/lambda-tether/shop/dev/stub/*',
      'iot:Publish': 'arn:aws:iot:*:*:topic/lambda-tether/shop/dev/session/ann/*',
      'iot:SubscribePresence': 'arn:aws:iot:*:*:topicfilter/lambda-tether/shop/dev/presence/ann',
      'iot:ReceivePresence': 'arn:aws:iot:*:*:topic/lambda-tether/shop/dev/presence/ann',
    })
  })

  it('has the client ids and topics that the transports use', () => {
    const session = { ...here, role: 'session', name: 'a b' } as const
    const policy = resources({ ...here, role: 'session', session: 'a b' })
    expect(policy['iot:Connect']).toBe(`arn:aws:iot:*:*:client/${clientIdPrefix(session)}*`)
    expect(policy['iot:Subscribe']).toBe(`arn:aws:iot:*:*:topicfilter/${filterOf(session).replace('+', '*')}`)
    expect(policy['iot:RetainPublish']).toBe(`arn:aws:iot:*:*:topic/${keptTopicOf(session)}`)
    const lane = topicOf({ ...session, lane: 7 })
    expect(policy['iot:Receive']).toBe(`arn:aws:iot:*:*:topic/${lane.slice(0, -1)}*`)
    const stub = topicOf({ ...here, role: 'stub', name: 'e1' })
    expect(policy['iot:Publish']).toBe(`arn:aws:iot:*:*:topic/${stub.slice(0, -2)}*`)
  })

  it.each<[Pick<IotPolicyOptions, 'region' | 'partition'>, string]>([
    [{ region: 'cn-north-1' }, 'aws-cn'],
    [{ region: 'us-gov-west-1' }, 'aws-us-gov'],
    [{ region: 'us-isob-east-1' }, 'aws-iso-b'],
    [{ region: 'eusc-de-east-1' }, 'aws-eusc'],
    [{ region: 'us-east-1' }, 'aws'],
    [{ partition: 'aws-cn' }, 'aws-cn'],
    [{ region: 'mars-north-1', partition: 'aws-mars' }, 'aws-mars'],
  ])('of %j lies in the partition %s', (where, partition) => {
    for (const [action, resource] of Object.entries(resources({ ...here, ...where, role: 'session' }))) {
      if (action === 'iot:DescribeEndpoint') continue
      expect(resource).toMatch(new RegExp(`^arn:${partition}:iot:${where.region ?? '\\*'}:`))
    }
  })

  it.each(hostile)('gives the name %j no meaning', (name) => {
    for (const role of ['session', 'stub'] as const) {
      const plain = resources({ app: 'a', stage: 's', session: 'n', role })
      const odd = resources({ app: name, stage: name, session: name, role })
      for (const [action, resource] of Object.entries(odd)) {
        const hashed = resource.replaceAll(/~[0-9a-f]{32}/g, '~')
        const parts = plain[action]!.replace(/\/a\/s\//, '/~/~/').replace(/(session|presence)\/n/, '$1/~')
        expect(hashed.replace(/lt-[0-9a-f]{16}/, 'lt')).toBe(parts.replace(/lt-[0-9a-f]{16}/, 'lt'))
      }
    }
  })

  it.each([
    ['role', { role: 'developer' }],
    ['role', { role: undefined }],
    ['app', { app: '' }],
    ['stage', { stage: 'x'.repeat(101) }],
    ['session', { session: '' }],
    ['session', { session: 7 }],
    ['region', { region: '*' }],
    ['region', { region: 'eu-west-1:1' }],
    ['accountId', { accountId: '12345678901*' }],
    ['accountId', { accountId: 123456789012 }],
    ['partition', { partition: 'aws*' }],
    ['partition', { partition: 'aws', region: 'cn-north-1' }],
    ['acountId', { acountId: '123456789012' }],
  ])('refuses a wrong %s by name: %j', (name, wrong) => {
    const options = { ...here, role: 'stub', ...wrong } as IotPolicyOptions
    expect(() => iotPolicy(options)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`'${name}'`) }),
    )
  })
})

describe('an identity with the policy of a role', () => {
  const sessionOf = (app: string, stage: string, name: string) =>
    topicOf({ app, stage, role: 'session', name, lane: 3 })
  const stubOf = (app: string, stage: string, name: string) => topicOf({ app, stage, role: 'stub', name })

  async function connectAs(role: 'session' | 'stub') {
    const place = { region: 'us-east-1', accountId: '123456789012' }
    const policy = iotPolicy({ ...here, ...place, role })
    const identity = { accessKeyId: 'AKIA', secretAccessKey: 'secret', policy }
    const { broker, clock } = await openBroker({ identities: [identity] })
    const open = async () =>
      RawMqttClient.open(await signedUrl(broker.webSocketUrl, { identity, now: clock.now() }))
    const connect = async () => {
      const client = await open()
      expect(await client.hello({ clientId: `${clientIdPrefix({ ...here, role })}${Math.random()}` })).toBe(0)
      return client
    }
    return { broker, open, connect }
  }

  it.each([
    {
      role: 'stub' as const,
      own: stubOf('shop', 'dev', 'e1'),
      partners: [sessionOf('shop', 'dev', 'default')],
      forbidden: [
        filterOf({ ...here, role: 'session', name: 'default' }),
        sessionOf('shop', 'dev', 'default'),
        stubOf('shop', 'prod', 'e1'),
        keptTopicOf({ ...here, name: 'ann' }),
        'lambda-tether/shop/dev/presence/+',
        'lambda-tether/#',
        '#',
      ],
      others: [
        sessionOf('shop', 'prod', 'default'),
        sessionOf('shop', 'dev', 'ann'),
        sessionOf('other', 'dev', 'default'),
        stubOf('shop', 'dev', 'e2'),
        keptTopicOf({ ...here, name: 'default' }),
        'lambda-tether/shop/dev/session/default',
      ],
    },
    {
      role: 'session' as const,
      own: filterOf({ ...here, role: 'session', name: 'default' }),
      partners: [
        stubOf('shop', 'dev', 'e1'),
        stubOf('shop', 'dev', '*'),
        topicOf({ ...here, role: 'session', name: 'default', lane: 0 }),
      ],
      forbidden: [
        stubOf('shop', 'dev', 'e1'),
        'lambda-tether/shop/dev/stub/+',
        filterOf({ ...here, role: 'session', name: 'ann' }),
        'lambda-tether/shop/dev/session/+/+',
        keptTopicOf({ ...here, name: 'ann' }),
        'lambda-tether/shop/dev/presence/+',
        '#',
      ],
      others: [
        stubOf('shop', 'prod', 'e1'),
        stubOf('other', 'dev', 'e1'),
        sessionOf('shop', 'dev', 'ann'),
        keptTopicOf({ ...here, name: 'ann' }),
      ],
    },
  ])('$role: does its part and nothing else', async ({ role, own, partners, forbidden, others }) => {
    const { broker, open, connect } = await connectAs(role)
    const client = await connect()
    expect(await client.subscribe(own)).toEqual([0])
    for (const filter of forbidden) {
      const intruder = await connect()
      expect(await intruder.subscribe(filter), filter).toBeUndefined()
      await intruder.closed
    }

    const published = events(broker, 'publish')
    for (const topic of partners) client.publish(topic)
    await client.ping()
    expect(published.map(({ topic }) => topic)).toEqual(partners)

    for (const topic of others) {
      const intruder = await connect()
      const disconnect = event(broker, 'disconnect')
      intruder.publish(topic)
      await intruder.closed
      expect(await disconnect, topic).toMatchObject({ reason: 'AUTH_ERROR' })
    }
    expect(published).toHaveLength(partners.length)

    const other = role === 'stub' ? 'session' : 'stub'
    for (const clientId of ['lt-1', clientIdPrefix({ ...here, role: other }) + 1]) {
      expect(await (await open()).hello({ clientId }), clientId).toBeUndefined()
    }
  })
})

describe('each statement is needed', () => {
  const place = { ...here, region: 'us-east-1', accountId: '123456789012' }
  const session: Endpoint = { ...here, role: 'session', name: 'default' }
  const stub: Endpoint = { ...here, role: 'stub', name: 'e1' }

  /** All that both sides do, under these policies; resolves with the broker's first denial, if there is one. */
  async function converse(policies: Record<Endpoint['role'], IamPolicy>): Promise<string | undefined> {
    const identities = Object.entries(policies).map(([accessKeyId, policy]) => ({
      accessKeyId,
      secretAccessKey: 'secret',
      policy,
    }))
    const broker = createLocalBroker({ identities })
    onTestFinished(() => broker.close())
    await broker.open()
    const denied = new Promise<string>((resolve) => {
      broker.on('disconnect', ({ reason, detail }) => reason === 'AUTH_ERROR' && resolve(detail))
      broker.on('discard', ({ topic, reason }) => reason === 'policy' && resolve(`iot:Receive on ${topic}`))
    })
    const as = (accessKeyId: string) => {
      const credentials = { accessKeyId, secretAccessKey: 'secret' }
      return iot({ endpoint: broker.webSocketUrl, region: 'us-east-1', credentials })
    }
    const inboxes = { session: new Inbox(), stub: new Inbox() }
    const talk = async () => {
      const watch = { watch: [session], will: Buffer.from('offline') }
      const local = await as('session').connect(session, inboxes.session, watch)
      onTestFinished(() => local.close())
      await local.keep!(Buffer.from('here'))
      expect((await inboxes.session.nextKept()).toString()).toBe('here')
      await local.serve!([0, 3])
      const remote = await as('stub').connect(stub, inboxes.stub, { watch: [session] })
      onTestFinished(() => remote.close())
      expect((await inboxes.stub.nextKept()).toString()).toBe('here')
      await remote.send({ ...session, lane: 3 }, Buffer.from('invoke'))
      expect(await inboxes.session.text()).toBe('invoke')
      await local.send(stub, Buffer.from('result'))
      expect(await inboxes.stub.text()).toBe('result')
      await local.send({ ...session, lane: 0 }, Buffer.from('claim'))
      expect(await inboxes.session.text()).toBe('claim')
    }
    // What is denied fails, too, or never comes.
    const talking = talk().then(() => undefined)
    talking.catch(() => {})
    return Promise.race([denied, talking.catch(() => denied)])
  }

  const whole = {
    session: iotPolicy({ ...place, role: 'session' }),
    stub: iotPolicy({ ...place, role: 'stub' }),
  }

  it('and all of them are enough', async () => {
    expect(await converse(whole)).toBeUndefined()
  })

  it.each(
    (['session', 'stub'] as const).flatMap((role) =>
      whole[role].Statement.filter(({ Action }) => Action !== 'iot:DescribeEndpoint').map((statement) => ({
        role,
        ...statement,
      })),
    ),
  )('$role: $Sid', async ({ role, Sid, Action }) => {
    const Statement = whole[role].Statement.filter((statement) => statement.Sid !== Sid)
    expect(await converse({ ...whole, [role]: { ...whole[role], Statement } })).toContain(`${Action} on `)
  })
})
