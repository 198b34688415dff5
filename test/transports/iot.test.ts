import { describe, expect, test } from 'vitest'
import type { SdkCredentials } from '../../src/aws/credentials.js'
import type { Transport } from '../../src/index.js'
import { iotLight } from '../../src/transports/iot/light.js'
import { type AwsCredentials, type IotCommonOptions, iot } from '../../src/transports/iot.js'
import { ManualClock } from '../support/manual-clock.js'
import { failure, Inbox, stub } from './inbox.js'
import { identity, region, startBroker, startGateway } from './iot-gateway.js'

const HOUR_MS = 3_600_000

interface Options extends IotCommonOptions {
  readonly endpoint: string
  readonly credentials?: () => SdkCredentials
}

const SIDES: readonly { readonly side: string; make(options: Options): Transport }[] = [
  { side: 'iot', make: (options) => iot({ region, credentials: () => identity, ...options }) },
  { side: 'iotLight', make: (options) => iotLight({ region, credentials: () => identity, ...options }) },
]

describe.each(SIDES)('$side', ({ make }) => {
  test('carries frames up to AWS IoT’s 128 KB, and refuses a byte more before it is sent', async () => {
    const gateway = await startGateway({ port: await startBroker() })
    const inbox = new Inbox()
    await using connection = await make({ endpoint: gateway.url }).connect(stub, inbox)
    const frame = Buffer.alloc(131_072, 7)
    await connection.send(stub, frame)
    expect((await inbox.next()).equals(frame)).toBe(true)
    await expect(connection.send(stub, Buffer.alloc(131_073))).rejects.toMatchObject({
      code: 'TOO_LARGE',
      message: expect.stringMatching(/131,073 bytes exceeds 131,072/),
    })
    await connection.send(stub, Buffer.from('alive'))
    expect(await inbox.text()).toBe('alive')
  })

  test('fetches credentials and signs anew at each connect', async () => {
    const port = await startBroker()
    const second = { accessKeyId: 'AKIASECOND', secretAccessKey: 'other' }
    const now = Date.now()
    const clock = new ManualClock(now)
    const gateway = await startGateway({ port, identities: [identity, second], now: () => clock.now() })
    const given = [identity, identity, second]
    const transport = make({ endpoint: gateway.url, clock, credentials: () => given.shift()! })
    for (let i = 0; i < 3; i++) {
      const connection = await transport.connect(stub, new Inbox())
      const closing = connection.close()
      await clock.advance(HOUR_MS)
      await closing
    }
    const parameters = gateway.asked.map((url) => new URL(url, 'ws://x').searchParams)
    expect(parameters.map((one) => one.get('X-Amz-Credential')?.split('/')[0])).toEqual([
      identity.accessKeyId,
      identity.accessKeyId,
      second.accessKeyId,
    ])
    expect(new Set(parameters.map((one) => one.get('X-Amz-Signature'))).size).toBe(3)
    expect(gateway.refusals).toEqual([])
  })

  test.each([
    ['a wrong secret', { ...identity, secretAccessKey: 'wrong-word' }],
    ['an unknown key', { ...identity, accessKeyId: 'AKIAUNKNOWN' }],
    ['an expired session token', { ...identity, sessionToken: 'expired-token' }],
  ])('gives a remedy after %s, and reveals no secret', async (_what, wrong) => {
    const gateway = await startGateway({ port: await startBroker() })
    const error = await failure(
      make({ endpoint: gateway.url, credentials: () => wrong }).connect(stub, new Inbox()),
    )
    expect(error).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/status 403.*check the credentials, the region/),
      details: { statusCode: 403 },
    })
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/word|token|Signature/)
    // The clock is right: another signature would not help.
    expect(gateway.refusals).toHaveLength(1)
  })

  test.each([
    ['an hour behind', -HOUR_MS],
    ['six minutes ahead', 6 * 60_000],
    ['a year ahead', 365 * 24 * HOUR_MS],
  ])('corrects a clock that is %s by the Date of the refusal, and remembers', async (_what, errorMs) => {
    const gateway = await startGateway({ port: await startBroker() })
    const clock = { now: () => Date.now() + errorMs, schedule: () => () => {} }
    const expiration = new Date(Date.now() + HOUR_MS)
    const transport = make({ endpoint: gateway.url, clock, credentials: () => ({ ...identity, expiration }) })
    const inbox = new Inbox()
    await using connection = await transport.connect(stub, inbox)
    await connection.send(stub, Buffer.from('in time'))
    expect(await inbox.text()).toBe('in time')
    expect(gateway.refusals).toHaveLength(1)
    // By this machine's clock it is an hour from now, too. A Date has whole seconds.
    expect(Math.abs(connection.expiresAt! - clock.now() - HOUR_MS)).toBeLessThan(10_000)

    await using _again = await transport.connect({ ...stub, name: 'again' }, new Inbox())
    expect(gateway.refusals).toHaveLength(1)
    expect(gateway.asked).toHaveLength(3)
  })

  test('gives up after one correction when the credentials are wrong, too', async () => {
    const gateway = await startGateway({ port: await startBroker(), identities: [] })
    const clock = { now: () => Date.now() - HOUR_MS, schedule: () => () => {} }
    expect(await failure(make({ endpoint: gateway.url, clock }).connect(stub, new Inbox()))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/check the credentials/),
    })
    expect(gateway.asked).toHaveLength(2)
  })

  test('says that the endpoint of a new account may need ten minutes to resolve', async () => {
    const endpoint = 'abc123-ats.iot.eu-west-1.invalid'
    expect(await failure(make({ endpoint }).connect(stub, new Inbox()))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/abc123-ats.*ENOTFOUND.*wait ten minutes/),
      details: { code: 'ENOTFOUND' },
    })
  })

  test('ends itself with the credentials, after 24 hours at the latest', async () => {
    const gateway = await startGateway({ port: await startBroker() })
    const now = Date.now()
    const clock = { now: () => now, schedule: () => () => {} }
    const expiry = async (expiration?: Date) => {
      const credentials = () => ({ ...identity, ...(expiration !== undefined && { expiration }) })
      const transport = make({ endpoint: gateway.url, clock, credentials })
      await using connection = await transport.connect(stub, new Inbox())
      return connection.expiresAt! - now
    }
    expect(await expiry()).toBe(24 * HOUR_MS)
    expect(await expiry(new Date(now + HOUR_MS))).toBe(HOUR_MS)
    expect(await expiry(new Date(now + 48 * HOUR_MS))).toBe(24 * HOUR_MS)
  })
})

describe('iot() with credentials with an expiration that is not a Date', () => {
  async function setup(credentials: object, how: 'given' | 'asked') {
    const gateway = await startGateway({ port: await startBroker() })
    const now = Date.now()
    const clock = { now: () => now, schedule: () => () => {} }
    const option = credentials as AwsCredentials
    const make = () =>
      iot({ region, endpoint: gateway.url, clock, credentials: how === 'given' ? option : () => option })
    return { make, gateway }
  }
  const end = Math.ceil(Date.now() / 1000) * 1000 + HOUR_MS

  test.each([
    ['a text, as the AWS CLI prints it', new Date(end).toISOString()],
    ['a text with an offset', new Date(end + 2 * HOUR_MS).toISOString().replace('Z', '+02:00')],
    ['milliseconds since 1970', end],
    ['seconds since 1970', end / 1000],
  ])('connects, and ends when they expire: %s', async (_what, expiration) => {
    for (const how of ['given', 'asked'] as const) {
      const { make } = await setup({ ...identity, expiration }, how)
      await using connection = await make().connect(stub, new Inbox())
      expect(connection.expiresAt).toBe(end)
    }
  })

  test.each([
    ['expiration', { ...identity, expiration: 'tomorrow' }],
    ['expiration', { ...identity, expiration: '2026-11-21' }],
    ['expiration', { ...identity, expiration: new Date('nonsense') }],
    ['expiration', { ...identity, expiration: null }],
    ['expiration', { ...identity, expiration: Number.NaN }],
    ['accessKeyId', { secretAccessKey: 'secret' }],
    ['secretAccessKey', { accessKeyId: 'AKIA' }],
    ['sessionToken', { ...identity, sessionToken: 5 }],
  ])(
    'rejects by name, as an option and as a result of `credentials`: %s of %j',
    async (name, credentials) => {
      const refused = {
        code: 'INVALID_OPTION',
        message: expect.stringMatching(new RegExp(`^'credentials\\.${name}' must be`)),
      }
      const { make: given } = await setup(credentials, 'given')
      expect(given).toThrow(expect.objectContaining(refused))
      const { make: asked, gateway } = await setup(credentials, 'asked')
      expect(await failure(asked().connect(stub, new Inbox()))).toMatchObject(refused)
      expect(gateway.asked).toEqual([])
    },
  )
})
