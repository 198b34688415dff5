import { describe, expect, it } from 'vitest'
import { generateKey } from '../../src/core/wire/root-key.js'
import { HOST, message, name64, named, openRelay, session, stub } from './relay-fixture.js'

// Ids as API Gateway makes them.
const SESSION = 'L0SM9cOFvHcCIhw='
const STUB = 'L0SM9dEFvHcCAbc='
const SUCCESSOR = 'L0SM9zzFvHcCSuc='
const E1 = named('e1')

describe('the relay', () => {
  it("hands a stub's frame to the session and tells both sides the other's connection", async () => {
    const relay = await openRelay()
    await relay.connect(SESSION, session('s1', 10))
    await relay.connect(STUB, stub())
    expect((await relay.send(STUB, message(7, 'session', 'default', 'AAEC'))).posted).toEqual([
      { to: SESSION, text: `f stub ${name64(E1)} ${STUB}\nAAEC` },
      { to: STUB, text: `t 7 ${STUB} session ${name64('default')} ${SESSION}` },
    ])
    expect((await relay.send(SESSION, message(1, 'stub', E1, 'AwQF'))).posted).toEqual([
      { to: STUB, text: `f session ${name64('default')} ${SESSION}\nAwQF` },
      { to: SESSION, text: `t 1 ${SESSION} stub ${name64(E1)} ${STUB}` },
    ])
  })

  it('carries names of any text, and the largest message', async () => {
    const place = { app: '["a,', stage: '","' }
    const relay = await openRelay(place)
    const name = '漢 "/\n'.repeat(10)
    expect(await relay.connect(SESSION, session('s1', 10, { name, ...place }))).toBe(200)
    expect(await relay.connect(STUB, stub(E1, place))).toBe(200)
    const head = message(123_456_789_012_345, 'session', name, '')
    const frame = 'A'.repeat(131_072 - head.length)
    const { posted } = await relay.send(STUB, head + frame)
    expect(posted.map(({ to }) => to)).toEqual([SESSION, STUB])
    expect(posted[0]!.text.endsWith(`\n${frame}`)).toBe(true)
  })

  it('reports a missing session at once', async () => {
    const relay = await openRelay()
    await relay.connect(STUB, stub())
    expect((await relay.send(STUB, message(3, 'session', 'default'))).posted).toEqual([
      { to: STUB, text: `a 3 ${STUB}` },
    ])
  })

  it('keeps two rows for each connection, which outlive it by little', async () => {
    const relay = await openRelay()
    const before = Date.now()
    await relay.connect(SESSION, session('s1', 10))
    const rows = await relay.rows()
    expect(rows.map(({ pk, sk }) => [pk, sk])).toEqual(
      expect.arrayContaining([
        [JSON.stringify(['shop', 'dev', 'session', 'default']), SESSION],
        [`connection/${SESSION}`, '-'],
      ]),
    )
    for (const row of rows) {
      expect(row).toMatchObject({ app: 'shop', stage: 'dev', role: 'session', name: 'default' })
      expect(row).toMatchObject({ session: 's1', epoch: 10 })
      const life = Number(row.expires) * 1000 - before
      expect(life).toBeGreaterThan(2 * 3_600_000)
      expect(life).toBeLessThan(3 * 3_600_000)
    }
    await relay.disconnect(SESSION)
    expect(await relay.rows()).toEqual([])
  })
})

describe('a stale row', () => {
  it('is deleted when its client turns out to be gone, and the next gets the frame', async () => {
    const relay = await openRelay()
    await relay.connect(SESSION, session('s1', 10))
    await relay.connect(SUCCESSOR, session('s2', 20))
    await relay.connect(STUB, stub())
    relay.connected.delete(SUCCESSOR)
    await relay.age(SUCCESSOR, 5_000)
    const { posted } = await relay.send(STUB, message(1, 'session', 'default'))
    expect(posted.map(({ to }) => to)).toEqual([SESSION, STUB])
    expect(JSON.stringify(await relay.rows())).not.toContain(SUCCESSOR)
  })

  it('is kept while its client may still be connecting', async () => {
    const relay = await openRelay()
    await relay.connect(SESSION, session('s1', 10))
    relay.connected.delete(SESSION)
    await relay.connect(STUB, stub())
    expect((await relay.send(STUB, message(1, 'session', 'default'))).posted).toEqual([
      { to: STUB, text: `a 1 ${STUB}` },
    ])
    relay.connected.add(SESSION)
    const { posted } = await relay.send(STUB, message(1, 'session', 'default'))
    expect(posted.map(({ to }) => to)).toEqual([SESSION, STUB])
  })

  it('goes in bounded numbers with each frame, so that many never keep the relay for long', async () => {
    const relay = await openRelay()
    await relay.connect(STUB, stub())
    for (let index = 0; index < 27; index++) {
      await relay.connect(`stale${index}=`, session(`s${index}`, 10))
      await relay.age(`stale${index}=`, 60_000)
      relay.connected.delete(`stale${index}=`)
    }
    await relay.connect(SESSION, session('old', 1))
    expect((await relay.send(STUB, message(1, 'session', 'default'))).posted[0]?.text).toBe(`a 1 ${STUB}`)
    expect((await relay.send(STUB, message(2, 'session', 'default'))).posted[0]?.to).toBe(SESSION)
  })
})

describe('two sessions of one name', () => {
  it.each([
    ['the greater epoch', session('zz', 10), session('aa', 20)],
    ['of equal epochs the greater id', session('aa', 20), session('zz', 20)],
    ['a great epoch as a number', session('aa', 999_999_999_999), session('zz', 1_700_000_000_000)],
  ])("gives stubs' frames to %s, in any order of arrival", async (_name, loser, winner) => {
    const relay = await openRelay()
    await relay.connect(SUCCESSOR, winner)
    await relay.connect(SESSION, loser)
    await relay.connect(STUB, stub())
    const { posted } = await relay.send(STUB, message(1, 'session', 'default'))
    expect(posted.map(({ to }) => to)).toEqual([SUCCESSOR, STUB])
  })

  it("hands a session's frame to its own name only to the other sessions", async () => {
    const relay = await openRelay()
    await relay.connect(SESSION, session('s1', 10))
    await relay.connect('own2=', session('s1', 10))
    await relay.connect(SUCCESSOR, session('s2', 20))
    await relay.connect('third=', session('s3', 5))
    const { posted } = await relay.send(SESSION, message(4, 'session', 'default', 'AAEC'))
    const text = `f session ${name64('default')} ${SESSION}\nAAEC`
    expect(posted.slice(0, 2)).toEqual(
      expect.arrayContaining([
        { to: SUCCESSOR, text },
        { to: 'third=', text },
      ]),
    )
    expect(posted.slice(2)).toEqual([{ to: SESSION, text: `t 4 ${SESSION}` }])
  })

  it('accepts a frame to its own name without another session', async () => {
    const relay = await openRelay()
    await relay.connect(SESSION, session('s1', 10))
    expect((await relay.send(SESSION, message(1, 'session', 'default'))).posted).toEqual([
      { to: SESSION, text: `t 1 ${SESSION}` },
    ])
  })

  it("prefers a session's newest connection, and is not confused by the old one's disconnect", async () => {
    const relay = await openRelay()
    await relay.connect(SESSION, session('s1', 10))
    await relay.age(SESSION, 7_000_000)
    await relay.connect(SUCCESSOR, session('s1', 10))
    await relay.connect(STUB, stub())
    expect((await relay.send(STUB, message(1, 'session', 'default'))).posted[0]?.to).toBe(SUCCESSOR)
    await relay.disconnect(SESSION)
    expect((await relay.send(STUB, message(2, 'session', 'default'))).posted[0]?.to).toBe(SUCCESSOR)
    // The same once more: a goodbye is delivered at least once.
    await relay.disconnect(SESSION)
    expect(await relay.rows()).toHaveLength(4)
  })
})

describe('the relay as a guard', () => {
  it('hands no frame of a stub to a session of another name', async () => {
    const relay = await openRelay()
    await relay.connect('name=', session('s1', 10, { name: 'ann' }))
    await relay.connect(STUB, stub())
    expect((await relay.send(STUB, message(1, 'session', 'default'))).posted).toEqual([
      { to: STUB, text: `a 1 ${STUB}` },
    ])
  })

  it('hands nothing on from stub to stub, nor from session to session of another name', async () => {
    const relay = await openRelay()
    await relay.connect(STUB, stub())
    await relay.connect('stub2=', stub(named('e2')))
    await relay.connect(SESSION, session('s1', 10))
    await relay.connect(SUCCESSOR, session('s2', 10, { name: 'ann' }))
    expect((await relay.send(STUB, message(1, 'stub', named('e2')))).posted).toEqual([
      { to: STUB, text: `a 1 ${STUB}` },
    ])
    expect((await relay.send(SESSION, message(1, 'session', 'ann'))).posted).toEqual([
      { to: SESSION, text: `a 1 ${SESSION}` },
    ])
  })

  it('silently drops frames that no client of this package sends', async () => {
    const relay = await openRelay()
    await relay.connect(SESSION, session('s1', 10))
    await relay.connect(STUB, stub())
    const garbage = {
      nothing: undefined,
      'no text': 7,
      'an empty text': '',
      JSON: '{"action":"other"}',
      'no frame': 'r 1 session ZGVmYXVsdA',
      'no number': 'r x session ZGVmYXVsdA\nAAEC',
      'a number without end': `r ${'9'.repeat(16)} session ZGVmYXVsdA\nAAEC`,
      'a role of none': 'r 1 relay ZGVmYXVsdA\nAAEC',
      'a name that is no base64url': 'r 1 session a b\nAAEC',
      'a name over 100 bytes': `r 1 session ${'A'.repeat(135)}\nAAEC`,
      'a megabyte of nothing': 'A'.repeat(1_000_000),
    }
    for (const [name, body] of Object.entries(garbage)) {
      const { answer, functionError } = await relay.invoke('$default', STUB, { body })
      expect({ answer, functionError }, name).toEqual({
        answer: { statusCode: 200 },
        functionError: undefined,
      })
    }
    expect(relay.posts).toEqual([])
    expect((await relay.send(STUB, message(1, 'session', 'default'))).posted).toHaveLength(2)
  })

  it('refuses a client without a valid identity', async () => {
    const relay = await openRelay()
    const strangers = {
      'no query': undefined,
      'no app': stub(E1, { app: '' }),
      'another app': stub(E1, { app: 'other' }),
      'another stage': stub(E1, { stage: 'prod' }),
      "a session of another app, with that one's key": session('s1', 10, { app: 'other' }),
      'a stub with a name that is not random': stub('default'),
      'a stub with a name too long': stub(`${E1}_`),
      'a stub with a name of other characters': stub(`${E1.slice(1)}+`),
      'no role': stub(E1, { role: 'relay' }),
      'a session without a name': session('s1', 10, { name: '' }),
      'a session with a name over 100 bytes': session('s1', 10, { name: '漢'.repeat(34) }),
      'a session without an id': session('', 10),
      'a session with spaces in its id': session('a b', 10),
      'an epoch that is no number': session('s1', 10, { epoch: '1e9' }),
      'an epoch more than a day ahead': session('s1', Date.now() + 86_460_000),
      'no time of signing': session('s1', 10, { at: '' }),
      'a time that is no number': session('s1', 10, { at: '1e12' }),
      'no signature': session('s1', 10, { sig: '' }),
      'a signature of 63 bytes': session('s1', 10, { sig: 'A'.repeat(84) }),
    }
    for (const [name, query] of Object.entries(strangers)) {
      const { answer } = await relay.invoke('$connect', STUB, { queryStringParameters: query })
      expect(answer.statusCode, name).toBe(400)
    }
    expect(await relay.rows()).toEqual([])
  })

  it('sends away a client that the table does not know, so that it comes back with a row', async () => {
    const relay = await openRelay()
    relay.connected.add(STUB)
    expect(await relay.send(STUB, message(1, 'session', 'default'))).toEqual({ posted: [] })
    expect(relay.disconnected).toEqual([STUB])
  })
})

describe('a session that connects', () => {
  const FOREIGN = generateKey()
  const NOW = 1_800_000_000_000
  const MINUTES = 60_000

  it.each([
    ['was signed five minutes ago', { at: NOW - 5 * MINUTES }, 200],
    ['was signed by a clock five minutes ahead', { at: NOW + 5 * MINUTES }, 200],
    ['was signed longer ago', { at: NOW - 5 * MINUTES - 1 }, 403],
    ['was signed by a clock further ahead', { at: NOW + 5 * MINUTES + 1 }, 403],
    ['was signed with another key', { at: NOW, root: FOREIGN }, 403],
    ['was signed for another host', { at: NOW, host: 'other.execute-api.eu-west-1.amazonaws.com' }, 403],
  ])('is accepted or refused if it %s', async (_name, signed, status) => {
    const relay = await openRelay()
    expect(await relay.connect(SESSION, session('s1', 10, {}, signed), NOW)).toBe(status)
    expect(await relay.rows()).toHaveLength(status === 200 ? 2 : 0)
  })

  it.each([
    ['name', { name: 'ann' }],
    ['id', { session: 's2' }],
    ['epoch', { epoch: '11' }],
    ['time', { at: `${NOW + 1}` }],
  ])('is not let in with a signature for another %s', async (_part, changed) => {
    const relay = await openRelay()
    const query = { ...session('s1', 10, {}, { at: NOW }), ...changed }
    expect(await relay.connect(SESSION, query, NOW)).toBe(403)
  })

  it('is told to deploy the stack with its key', async () => {
    const relay = await openRelay()
    const query = session('s1', 10, {}, { root: FOREIGN })
    const { answer } = await relay.invoke('$connect', SESSION, { queryStringParameters: query })
    expect(answer).toEqual({
      statusCode: 403,
      body: "not signed with this stack's key: deploy debugStackTemplate with the session's key",
    })
  })

  it('has either key while keys are rotated', async () => {
    const relay = await openRelay({ keys: [generateKey(), FOREIGN] })
    expect(await relay.connect(SESSION, session('s1', 10, {}, { root: FOREIGN }))).toBe(200)
    expect(await relay.connect(SUCCESSOR, session('s1', 10))).toBe(403)
  })

  it('is refused if the request has no time', async () => {
    const relay = await openRelay()
    const requestContext = { routeKey: '$connect', connectionId: SESSION, domainName: HOST, stage: 'tether' }
    const queryStringParameters = session('s1', 10)
    const { answer } = await relay.invoke('', '', { requestContext, queryStringParameters })
    expect(answer.statusCode).toBe(400)
  })
})

describe('a relay that fails', () => {
  it.each([
    ['DynamoDB', { dynamo: [500, 503], posts: [] }],
    ['a throttled post', { dynamo: [], posts: [429] }],
    ['a failed post', { dynamo: [], posts: [500] }],
  ])('tries again by itself: %s', async (_name, failures) => {
    const relay = await openRelay()
    await relay.connect(SESSION, session('s1', 10))
    await relay.connect(STUB, stub())
    Object.assign(relay.failures, structuredClone(failures))
    const { posted } = await relay.send(STUB, message(1, 'session', 'default'))
    expect(posted.map(({ to }) => to)).toEqual([SESSION, STUB])
    expect(relay.failures).toEqual({ dynamo: [], posts: [] })
  })

  it('ends with an error that the client hears of, and takes the same frame the next time', async () => {
    const relay = await openRelay()
    await relay.connect(SESSION, session('s1', 10))
    await relay.connect(STUB, stub())
    relay.failures.dynamo.push(500, 500, 500)
    const failed = await relay.send(STUB, message(1, 'session', 'default'))
    expect(failed).toEqual({ functionError: 'Unhandled', posted: [] })
    const { posted } = await relay.send(STUB, message(1, 'session', 'default'))
    expect(posted.map(({ to }) => to)).toEqual([SESSION, STUB])
  })

  it('does not take a client for gone because it could not be posted to', async () => {
    const relay = await openRelay()
    await relay.connect(SESSION, session('s1', 10))
    await relay.age(SESSION, 60_000)
    await relay.connect(STUB, stub())
    relay.failures.posts.push(500, 500, 500)
    const failed = await relay.send(STUB, message(1, 'session', 'default'))
    expect(failed).toEqual({ functionError: 'Unhandled', posted: [] })
    expect(await relay.rows()).toHaveLength(4)
  })

  it('refuses a client that it cannot record', async () => {
    const relay = await openRelay()
    relay.failures.dynamo.push(...Array.from({ length: 6 }, () => 500))
    expect((await relay.invoke('$connect', STUB, { queryStringParameters: stub() })).functionError).toBe(
      'Unhandled',
    )
    expect(await relay.rows()).toEqual([])
  })

  it('does not count a sender that left meanwhile as a failure', async () => {
    const relay = await openRelay()
    await relay.connect(SESSION, session('s1', 10))
    await relay.connect(STUB, stub())
    relay.connected.delete(STUB)
    const { functionError, posted } = await relay.send(STUB, message(1, 'session', 'default'))
    expect(functionError).toBeUndefined()
    expect(posted.map(({ to }) => to)).toEqual([SESSION])
  })
})
