import { describe, expect, it, test } from 'vitest'
import { marker } from '../../../src/core/sharing/marker.js'
import { checkTake, checkTeam } from '../../../src/core/sharing/take.js'
import { takerOf } from '../../../src/core/sharing/taker.js'
import type { Take } from '../../../src/index.js'
import { HTTP_EVENTS, notification, queueBatch, queuedNotification } from './events.js'

const taking = (
  take: Take | undefined,
  event: unknown,
  { functionId = 'api', clientContext = undefined as unknown } = {},
) => {
  if (take !== undefined) checkTake('take', take)
  return takerOf(take)({ functionId, event, clientContext })
}

describe('functions', () => {
  it.each([
    [['api'], 'api', true],
    [['api'], 'apis', false],
    [['report-*'], 'report-day', true],
    [['report-*'], 'report', false],
    [['*'], 'anything', true],
    [['*-day', 'api'], 'report-day', true],
    [['a.c'], 'abc', false],
    [['a\\b'], 'a\\b', true],
  ])('%j and %s: %s', (functions, functionId, expected) => {
    expect(taking({ functions }, {}, { functionId })).toBe(expected ? 'unfiltered' : undefined)
  })

  it('a card of a later version with unknown filters takes nothing', () => {
    const invoked = { functionId: 'api', event: HTTP_EVENTS['a REST API']!({}), clientContext: undefined }
    const later = [
      { functions: ['api'], tenant: ['t-1'] },
      { http: { method: [{ exists: true }], query: { user: ['bob'] } } },
    ]
    for (const take of later) expect(takerOf(take as Take)(invoked)).toBe(undefined)
  })

  it('a card without `take` takes everything', () => {
    expect(taking(undefined, {})).toBe('unfiltered')
  })
})

describe('an event pattern', () => {
  const take: Take = { event: { body: [{ wildcard: '*alice*' }] } }

  it('sees the event', () => {
    expect(taking({ event: { detail: { user: ['alice'] } } }, { detail: { user: 'alice' } })).toBe('filtered')
    expect(taking({ event: { detail: { user: ['alice'] } } }, { detail: { user: 'bob' } })).toBe(undefined)
  })

  it('sees each record of a batch alone, and takes a batch if all records match', () => {
    const batch = (...bodies: string[]) => ({ Records: bodies.map((body) => ({ body })) })
    expect(taking(take, batch('for alice'))).toBe('filtered')
    expect(taking(take, batch('for alice', 'alice too'))).toBe('filtered')
    expect(taking(take, batch('for alice', 'for bob'))).toBe(undefined)
    expect(taking(take, batch())).toBe(undefined)
  })

  it('applies together with the functions', () => {
    const both: Take = { ...take, functions: ['orders'] }
    const event = { Records: [{ body: 'alice' }] }
    expect(taking(both, event, { functionId: 'orders' })).toBe('filtered')
    expect(taking(both, event, { functionId: 'api' })).toBe(undefined)
  })
})

describe.each(Object.entries(HTTP_EVENTS))('a request by %s', (_name, event) => {
  const request = {
    method: 'POST',
    path: '/orders/5',
    headers: { 'x-user': 'alice' },
    cookies: ['a=1', 'b=2'],
  }

  it.each<[NonNullable<Take['http']>, boolean]>([
    [{ method: ['POST'] }, true],
    [{ method: ['GET', 'PUT'] }, false],
    [{ path: [{ wildcard: '/orders/*' }] }, true],
    [{ path: ['/orders'] }, false],
    [{ header: { 'x-user': ['alice'] } }, true],
    [{ header: { 'X-User': [{ prefix: 'al' }] } }, true],
    [{ header: { 'x-user': ['bob'] } }, false],
    [{ header: { 'x-none': [{ exists: false }] } }, true],
    [{ header: { 'x-user': [{ exists: false }] } }, false],
    [{ header: { cookie: ['b=2'] } }, true],
    [{ header: { cookie: ['c=3'] } }, false],
    [{ method: ['POST'], path: [{ prefix: '/orders' }], header: { 'x-user': ['alice'] } }, true],
    [{ method: ['POST'], path: [{ prefix: '/users' }], header: { 'x-user': ['alice'] } }, false],
  ])('%j: %s', (http, expected) => {
    expect(taking({ http }, event(request))).toBe(expected ? 'filtered' : undefined)
  })

  it.each([
    [{ baggage: 'tether-session=alice' }, [], true],
    [{ baggage: 'a=b, tether-session = alice ; p=1 ,c=d' }, [], true],
    [{ baggage: 'tether-session=alic' }, [], false],
    [{ baggage: 'x-tether-session=alice' }, [], false],
    [{ baggage: 'other=tether-session=alice' }, [], false],
    [{ baggage: '' }, [], false],
    [{ 'x-tether-session': 'alice' }, [], true],
    [{ 'x-tether-session': 'bob' }, [], false],
    [{}, ['theme=dark', 'x-tether-session=alice'], true],
    [{}, ['x-tether-session=bob'], false],
    [{}, ['baggage=tether-session=alice'], false],
    [{}, ['my-x-tether-session=alice'], false],
    [{}, [], false],
  ])('with %j and cookies %j is marked: %s', (headers, cookies, expected) => {
    expect(taking({ marker: 'alice' }, event({ headers, cookies }))).toBe(expected ? 'filtered' : undefined)
  })
})

describe('a marker', () => {
  const take: Take = { marker: 'alice' }
  const marked = [{ 'x-tether-session': 'alice' }, { baggage: `k=v,${marker('alice')}` }]

  it.each(marked)('in the attributes of messages: %j', (attributes) => {
    expect(taking(take, queueBatch(attributes))).toBe('filtered')
    expect(taking(take, notification(attributes))).toBe('filtered')
    expect(taking(take, queuedNotification(attributes))).toBe('filtered')
    expect(taking(take, queueBatch(attributes, attributes))).toBe('filtered')
  })

  it('in some records of a batch does not mark it', () => {
    expect(taking(take, queueBatch(marked[0]!, {}))).toBe(undefined)
    expect(taking(take, queueBatch())).toBe(undefined)
    expect(taking(take, queueBatch({ 'x-tether-session': 'bob' }))).toBe(undefined)
  })

  it('in the client context', () => {
    expect(taking(take, {}, { clientContext: { custom: { 'x-tether-session': 'alice' } } })).toBe('filtered')
    expect(taking(take, {}, { clientContext: { Custom: { baggage: 'tether-session=alice' } } })).toBe(
      'filtered',
    )
    expect(taking(take, {}, { clientContext: { custom: { 'x-tether-session': 5 } } })).toBe(undefined)
    expect(taking(take, {}, { clientContext: 'x-tether-session' })).toBe(undefined)
  })

  it('of a name with any letters', () => {
    const name = 'Ålice & friends=1; 100%'
    const headers = { baggage: marker(name) }
    expect(marker(name)).toMatch(/^tether-session=[\w%-]+$/)
    expect(taking({ marker: name }, HTTP_EVENTS['a function URL']!({ headers }))).toBe('filtered')
    expect(() => marker('a,b')).toThrow("'name' has a comma")
  })
})

test.each([
  undefined,
  null,
  5,
  'text',
  [],
  {},
  { Records: [null] },
  { Records: [{ body: '{' }] },
  { requestContext: null, httpMethod: 5 },
])('no filter takes an event of unknown shape: %j', (event) => {
  expect(taking({ marker: 'alice' }, event)).toBe(undefined)
  expect(taking({ http: { header: { a: [{ exists: false }] } } }, event)).toBe(undefined)
})

test('an invalid card takes nothing', () => {
  for (const take of [
    { event: {} },
    { event: { a: [{ later: 1 }] } },
    { functions: 5 },
    { http: { path: 'x' } },
  ])
    expect(takerOf(take as never)({ functionId: 'api', event: {}, clientContext: undefined })).toBe(undefined)
})

describe('is rejected with its place', () => {
  it.each<[unknown, string]>([
    [{}, "'take' is empty"],
    [{ functions: [] }, "'take.functions' is an empty list"],
    [{ functions: [''] }, "'take.functions[0]' must be a text that is not empty"],
    [{ event: {} }, "'take.event' is empty"],
    [{ http: {} }, "'take.http' is empty"],
    [{ http: { headers: {} } }, "'take.http.headers' is no option"],
    [{ http: { path: '/x' } }, "'take.http.path' must be an event pattern"],
    [{ http: { header: { A: ['x', ['y']] } } }, "'take.http.header.a[1]' must be"],
    [{ marker: '' }, "'take.marker' must be"],
    [{ marker: 'a,b' }, "'take.marker' has a comma"],
    [{ filter: 1 }, "'take.filter' is no option"],
    [{ functions: ['a'.repeat(4_000)] }, "'take' has 4018 bytes of JSON; at most 4000"],
  ])('%j', (take, message) => {
    expect(() => checkTake('take', take)).toThrow(message)
  })

  it.each<[unknown, string]>([
    [[], "'team' must be a list of 1 to 7 names"],
    [['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], "'team' must be a list of 1 to 7 names"],
    [['a', 'b', 'a'], "'team' has 'a' twice"],
    [['a,b'], "'team[0]' has a comma"],
    ['alice', "'team' must be a list of session names"],
  ])('%j', (team, message) => {
    expect(() => checkTeam('team', team)).toThrow(message)
  })
})
