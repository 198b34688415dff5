// Whoever may connect to the API, as every function's role may, must not receive what is sent to a session.
import { afterEach, describe, expect, it } from 'vitest'
import { generateKey, rootKey, StageKeys } from '../../src/core/wire/root-key.js'
import { apiGatewayPolicy } from '../../src/deploy/index.js'
import type { Endpoint } from '../../src/index.js'
import {
  createLocalCloud,
  type LocalCloud,
  type LocalDebugStack,
  type LocalDebugStackOptions,
} from '../../src/local/index.js'
import { apiGateway } from '../../src/transports/api-gateway.js'
import { begin, queryOf, sessionQuery } from '../local/web-socket-fixture.js'
import { ManualClock } from '../support/manual-clock.js'
import { failure, Inbox, session, stub } from '../transports/inbox.js'

const apiId = 'abcde12345'
const names = { app: 'shop', stage: 'dev' }
const key = generateKey()
const attacker = { accessKeyId: 'ASIAFUNCTION', secretAccessKey: 'f', sessionToken: 'to/k+en==' }
const MINUTE_MS = 60_000

const parts: AsyncDisposable[] = []
afterEach(async () => {
  for (const part of parts.splice(0).reverse()) await part[Symbol.asyncDispose]()
})

interface Stage {
  readonly cloud: LocalCloud
  readonly stack: LocalDebugStack
  readonly clock: ManualClock
}

/** A debug stack on an injected clock, to which the attacker's role may connect and post. */
async function stage(options: Partial<LocalDebugStackOptions> = {}): Promise<Stage> {
  const clock = new ManualClock(Date.now())
  const cloud = createLocalCloud({ clock })
  await cloud.open()
  parts.push({ [Symbol.asyncDispose]: () => cloud.close() })
  const identities = [{ ...attacker, policy: apiGatewayPolicy({ apiId }) }]
  return { cloud, clock, stack: await cloud.debugStack({ ...names, key, apiId, identities, ...options }) }
}

/** Connects an endpoint by the transport, with a key. */
async function join({ cloud, stack, clock }: Stage, self: Endpoint, root = key) {
  const { region, credentials } = cloud
  const keys = new StageKeys(rootKey('key', root), self)
  const inbox = new Inbox()
  const transport = apiGateway({ endpoint: stack.endpoint, region, credentials, clock })
  const connection = await transport.connect(self, inbox, {
    identity: { session: 'victim', epoch: 7 },
    ...(self.role === 'session' && { sign: (purpose, ...said) => keys.sign(purpose, said) }),
  })
  parts.push(connection)
  return { inbox, connection }
}

/** The attacker connects with this query: the status that refuses it, or 101. */
async function attack({ stack, clock }: Stage, query: string): Promise<number> {
  const { opened, refused } = await begin(stack.api, { credentials: attacker, query, now: clock.now() })
  return opened.then(
    () => 101,
    async () => (await refused).status,
  )
}

/** The query that the victim connected with, as it is in API Gateway's execution log. */
function logged({ stack }: Stage): string {
  const victim = stack.api.connections().find(({ query }) => query.session === 'victim')
  return queryOf(victim!.query)
}

describe('a client that may connect, but has no key,', () => {
  it("cannot take a session's name", async () => {
    const target = await stage()
    const { inbox } = await join(target, session)
    const { connection } = await join(target, stub)
    const { stack, clock } = target
    const forged = { ...names, name: 'default', session: 'zz', epoch: clock.now(), at: clock.now() }
    const unsigned = { role: 'session', session: 'zz', epoch: `${clock.now()}`, name: 'default', ...names }
    const attempts: [string, number][] = [
      [queryOf(unsigned), 400],
      [queryOf({ ...unsigned, at: `${clock.now()}`, sig: 'A'.repeat(86) }), 403],
      [sessionQuery(stack.api, { ...forged, key: generateKey() }), 403],
      [queryOf({ ...unsigned, role: 'stub' }), 400],
    ]
    for (const [query, status] of attempts) expect(await attack(target, query), query).toBe(status)
    // As itself, a stub, it is let in: that is what its right is for.
    expect(await attack(target, queryOf({ ...names, role: 'stub', name: 'attacker______________' }))).toBe(
      101,
    )
    await connection.send(session, Buffer.from('for the victim'))
    expect(await inbox.text()).toBe('for the victim')
  })

  it('cannot use a captured signature for another name, session or epoch', async () => {
    const target = await stage()
    await join(target, session)
    const seen = Object.fromEntries(new URLSearchParams(logged(target)))
    const later = `${Number(seen.at) + 1}`
    for (const changed of [{ name: 'ann' }, { session: 'zz' }, { epoch: '8' }, { at: later }])
      expect(await attack(target, queryOf({ ...seen, ...changed })), JSON.stringify(changed)).toBe(403)
    for (const changed of [{ app: 'other' }, { stage: 'prod' }])
      expect(await attack(target, queryOf({ ...seen, ...changed })), JSON.stringify(changed)).toBe(400)
  })

  it('can replay the URL of a session for five minutes', async () => {
    const target = await stage()
    await join(target, session)
    const seen = logged(target)
    await target.clock.advance(5 * MINUTE_MS)
    expect(await attack(target, seen)).toBe(101)
    await target.clock.advance(1)
    expect(await attack(target, seen)).toBe(403)
  })

  it('cannot replay it against the same stage behind another host, or at another stage', async () => {
    const target = await stage()
    await join(target, session)
    const seen = logged(target)
    const other = await stage()
    expect(new URL(other.stack.endpoint).host).not.toBe(new URL(target.stack.endpoint).host)
    expect(await attack(other, seen)).toBe(403)
    const elsewhere = await target.cloud.debugStack({
      ...names,
      stage: 'prod',
      key,
      identities: [attacker],
    })
    expect(await attack({ ...target, stack: elsewhere }, seen)).toBe(400)
  })
})

describe('the holder of a key', () => {
  it('is accepted with the current and the previous key while the stack has both', async () => {
    const previous = generateKey()
    const target = await stage({ key: [key, previous] })
    const { inbox } = await join(target, session, previous)
    await join(target, { ...session, name: 'ann' }, key)
    const { connection } = await join(target, stub)
    await connection.send(session, Buffer.from('to the one with the previous key'))
    expect(await inbox.text()).toBe('to the one with the previous key')
  })

  it('is told to redeploy when the stack has another key', async () => {
    const target = await stage()
    expect(await failure(join(target, session, generateKey()))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/status 403.*deploy debugStackTemplate\(\) with it/),
      details: { statusCode: 403 },
    })
  })

  it('is told which stack to look for when the stack belongs to another stage', async () => {
    const target = await stage()
    expect(await failure(join(target, { ...session, stage: 'prod' }))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(/status 400.*no session of app shop, stage prod/),
    })
  })
})
