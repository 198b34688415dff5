import { describe, expect, it, onTestFinished } from 'vitest'
import { iotPolicy } from '../../src/deploy/index.js'
import { createSession } from '../../src/index.js'
import { createLocalBroker } from '../../src/local/index.js'
import { type IotOptions, iot } from '../../src/transports/iot.js'
import { freePort } from '../support/free-port.js'
import { ManualClock } from '../support/manual-clock.js'
import { found, PASSED, place } from './found.js'

const region = 'us-east-1'
const SECRET = 'a secret that no check tells'
const TOKEN = 'a token that no check tells'
const names = { app: 'shop', stage: 'dev', region, accountId: '123456789012' }

/** A local broker that knows one identity, with the session's policy but for some statements. */
async function aBroker(...left: string[]) {
  const policy = iotPolicy({ ...names, role: 'session' })
  const Statement = policy.Statement.filter(({ Sid }) => !left.includes(Sid.replace('LambdaTether', '')))
  const identity = { accessKeyId: 'ASIA0123456789ABCDEF', secretAccessKey: SECRET, sessionToken: TOKEN }
  const broker = createLocalBroker({
    identities: [{ ...identity, policy: { ...policy, Statement } }],
    limits: { connectIntervalMs: 0 },
  })
  onTestFinished(() => broker.close())
  await broker.open()
  const make = (options: IotOptions = {}) =>
    iot({ region, endpoint: broker.webSocketUrl, credentials: identity, ...options })
  return { broker, identity, make }
}

const NOT_HEARD = { echo: 'skipped', presence: 'skipped', name: 'skipped', stubs: 'skipped' }

describe('diagnose() of AWS IoT', () => {
  it("needs no more than a session's policy, and tells no secret", async () => {
    const { make, identity } = await aBroker()
    const transport = make()
    await using session = createSession({ ...place, transport })
    await session.open()
    const expiration = new Date(Date.now() + 3_600_000)
    const { outcomes, seen, diagnosis } = await found({
      transport: make({ credentials: { ...identity, expiration } }),
    })
    expect(outcomes).toEqual({
      ...PASSED,
      upgrade: 'ok',
      connect: 'ok',
      subscribe: 'ok',
      echo: 'ok',
      presence: 'ok',
      name: 'ok',
      stubs: 'unknown',
    })
    expect(seen.credentials).toMatch(
      /^ASIA0123…, of a session, from the option; they end at .*, in \d\d min\. Whose they are is not known/,
    )
    expect(session.status.state).toBe('connected')
    for (const secret of [SECRET, TOKEN, identity.accessKeyId])
      expect(JSON.stringify(diagnosis) + String(diagnosis)).not.toContain(secret)
  })

  it('tells of credentials that have ended, and of a login that fails, and looks further', async () => {
    const { make, identity } = await aBroker()
    const ended = await found({ transport: make({ credentials: { ...identity, expiration: new Date(0) } }) })
    expect(ended.outcomes).toMatchObject({
      ...PASSED,
      credentials: 'failed',
      upgrade: 'skipped',
      ...NOT_HEARD,
    })
    expect(ended.seen.credentials).toContain('they ended at 1970-01-01')
    const credentials = () => {
      throw new Error('not logged in')
    }
    const failed = await found({ transport: make({ credentials }) })
    expect(failed.seen.credentials).toBe("'credentials' failed: not logged in")
    expect(failed.outcomes).toMatchObject({ socket: 'ok', connect: 'skipped' })
  })

  it('tells of a secret that is wrong, and of a region that is, at the upgrade', async () => {
    const { make, identity } = await aBroker()
    for (const options of [
      { credentials: { ...identity, secretAccessKey: 'another' } },
      { region: 'eu-west-1' },
    ]) {
      const { outcomes, seen } = await found({ transport: make(options) })
      expect(outcomes).toEqual({
        ...PASSED,
        upgrade: 'failed',
        connect: 'skipped',
        subscribe: 'skipped',
        ...NOT_HEARD,
      })
      expect(seen.upgrade).toMatch(/status 403.*check the credentials, the region/)
    }
  })

  it.each([
    ['Connect', 'connect', /iot:Connect/],
    ['Subscribe', 'subscribe', /iot:Subscribe/],
    ['Claim', 'echo', /lambda-tether\/shop\/dev\/session\/default\/0.*iot:Publish/],
  ])('tells of a policy without iot:%s at %s', async (left, id, words) => {
    const { make } = await aBroker(left)
    const { outcomes, seen } = await found({ transport: make() })
    expect(outcomes).toMatchObject({ ...PASSED, upgrade: 'ok', [id]: 'failed' })
    expect(seen[id]).toMatch(words)
  })

  it('tells of a clock that is wrong, with which connecting works', async () => {
    const { make } = await aBroker()
    const clock = new ManualClock(Date.now() - 3_600_000)
    const { outcomes, seen, diagnosis } = await found({ transport: make({ clock }) })
    expect(outcomes).toMatchObject({ clock: 'warning', upgrade: 'ok', echo: 'ok' })
    expect(seen.clock).toMatch(/^This machine's clock is 3,(59\d|60\d) s behind 127\.0\.0\.1/)
    expect(diagnosis.ok).toBe(true)
  })

  it('tells of an address at which nothing listens, and of a name that there is not', async () => {
    const { make } = await aBroker()
    const port = await freePort()
    const closed = await found({ transport: make({ endpoint: `ws://127.0.0.1:${port}` }) })
    expect(closed.outcomes).toMatchObject({
      resolve: 'ok',
      socket: 'failed',
      clock: 'skipped',
      upgrade: 'skipped',
    })
    expect(closed.seen.socket).toContain('ECONNREFUSED')
    const nowhere = await found({
      transport: make({ endpoint: 'nowhere.invalid' }),
      stsEndpoint: `http://127.0.0.1:${port}`,
    })
    expect(nowhere.outcomes).toMatchObject({
      resolve: 'failed',
      tls: 'skipped',
      clock: 'skipped',
      connect: 'skipped',
    })
    expect(nowhere.seen.resolve).toMatch(/^nowhere\.invalid does not resolve/)
  })
})
