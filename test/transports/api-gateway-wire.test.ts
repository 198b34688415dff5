import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { endpointRegion } from '../../src/aws/endpoints.js'
import type { Endpoint } from '../../src/index.js'
import { readRequest } from '../../src/stub/relay/wire.js'
import { apiGatewayUrl, managementUrl, postUrl } from '../../src/transports/api-gateway/url.js'
import {
  directText,
  FRAME_BYTES,
  frameText,
  readArrival,
  relayedText,
} from '../../src/transports/api-gateway/wire.js'
import { type Database, identity, region, SIDES, startApi, startDatabase } from './api-gateway-fixture.js'
import { Inbox, stub } from './inbox.js'

const anyName = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 100 })
  .filter((name) => Buffer.byteLength(name) <= 100)
const anyRole = fc.constantFrom<Endpoint['role']>('session', 'stub')
const anyFrame = fc.uint8Array({ minLength: 1, maxLength: 200 })

const endpoint = (role: Endpoint['role'], name: string): Endpoint => ({
  app: 'shop',
  stage: 'dev',
  role,
  name,
})

describe('the wire', () => {
  test('decodes a frame that a peer posts', () => {
    fc.assert(
      fc.property(anyRole, anyName, anyFrame, (role, name, frame) => {
        const text = directText(endpoint(role, name), 'L0SM9cOFvHcCIhw=', frameText(frame))
        expect(readArrival(text)).toEqual({
          kind: 'frame',
          from: { role, name, connectionId: 'L0SM9cOFvHcCIhw=' },
          frame: Buffer.from(frame),
        })
      }),
    )
  })

  test('is read by the relay as it is written here', () => {
    fc.assert(
      fc.property(fc.nat(), anyRole, anyName, anyFrame, (number, role, name, frame) => {
        expect(readRequest(relayedText(number, endpoint(role, name), frameText(frame)))).toEqual({
          kind: 'hand on',
          number: `${number}`,
          role,
          name,
          frame: Buffer.from(frame).toString('base64'),
        })
      }),
    )
  })

  test('keeps the largest frame within a message of 128 KB, with any head', () => {
    const frame = frameText(Buffer.alloc(FRAME_BYTES))
    const long = endpoint('session', 'n'.repeat(100))
    expect(relayedText(Number.MAX_SAFE_INTEGER, long, frame).length).toBeLessThanOrEqual(131_072)
    expect(directText(long, 'c'.repeat(64), frame).length).toBeLessThanOrEqual(131_072)
  })

  test('accepts nothing else, and never throws', () => {
    const heads = [
      'f stub bmFtZQ id\n',
      'f session',
      't 1 own',
      't 1 own stub bmFtZQ theirs',
      'a 1 own',
      '{"message":"x"',
    ]
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.json(),
          fc.tuple(fc.constantFrom(...heads), fc.string()).map((parts) => parts.join('')),
        ),
        (text) => {
          const { kind } = readArrival(text) ?? {}
          expect(['frame', 'taken', 'absent', 'failed', undefined]).toContain(kind)
        },
      ),
      { numRuns: 2_000 },
    )
    for (const text of [
      '',
      'f stub  id\n',
      'f relay bmFtZQ id\n',
      't x own',
      'a 1',
      'null',
      '7',
      '[]',
      't 1 own\n',
      't 1 own stub x y z',
    ])
      expect(readArrival(text), text).toBeUndefined()
  })
})

describe('an unknown message', () => {
  let database: Database
  beforeAll(async () => {
    database = await startDatabase()
  })
  afterAll(() => database[Symbol.asyncDispose]())

  test.each(SIDES)('does $side no harm', async ({ make }) => {
    const api = await startApi({ database })
    onTestFinished(() => api.close())
    const inbox = new Inbox()
    await using connection = await make({ endpoint: api.endpoint }).connect(stub, inbox)
    const ConnectionId = api.connections()[0]!.connectionId
    const { managementEndpoint } = api
    const client = new ApiGatewayManagementApiClient({
      endpoint: managementEndpoint,
      region,
      credentials: identity,
    })
    onTestFinished(() => client.destroy())
    const hostile = [
      '',
      'hello',
      't 99 own stub bmFtZQ theirs',
      'a 99 own',
      '{"message":"Internal server error"}',
      'f stub bmFtZQ x\n@@@',
    ]
    for (const text of [...hostile, 'f session ZGVmYXVsdA someone\nc3RpbGwgaGVyZQ=='])
      await client.send(new PostToConnectionCommand({ ConnectionId, Data: Buffer.from(text) }))
    expect((await inbox.next()).length).toBe(0)
    expect(await inbox.text()).toBe('still here')
    expect(connection.expiresAt).toBeGreaterThan(Date.now())
  })
})

describe('an endpoint', () => {
  test.each([
    [
      'abc123.execute-api.eu-west-1.amazonaws.com/dev',
      'wss://abc123.execute-api.eu-west-1.amazonaws.com/dev',
    ],
    [
      'wss://abc123.execute-api.eu-west-1.amazonaws.com/dev/',
      'wss://abc123.execute-api.eu-west-1.amazonaws.com/dev',
    ],
    ['wss://tether.example.com', 'wss://tether.example.com'],
    ['ws://127.0.0.1:4711/dev?x=y', 'ws://127.0.0.1:4711/dev'],
  ])('%s is %s', (given, url) => {
    expect(apiGatewayUrl(given)).toBe(url)
  })

  test.each([
    ['wss://abc123.execute-api.eu-west-1.amazonaws.com/dev', 'eu-west-1'],
    ['wss://abc123.execute-api.cn-north-1.amazonaws.com.cn/dev', 'cn-north-1'],
    ['wss://abc123.execute-api.us-gov-west-1.amazonaws.com/dev', 'us-gov-west-1'],
    ['wss://abc123.execute-api.eusc-de-east-1.amazonaws.eu/dev', 'eusc-de-east-1'],
    ['wss://tether.example.com', undefined],
  ])('%s is in %s', (url, expected) => {
    expect(endpointRegion(url, 'execute-api')).toBe(expected)
  })

  test('has its connections below it', () => {
    const url = 'wss://abc123.execute-api.eu-west-1.amazonaws.com/dev'
    expect(postUrl(managementUrl(url), 'L0SM9cOFvHcCIhw=').href).toBe(
      'https://abc123.execute-api.eu-west-1.amazonaws.com/dev/@connections/L0SM9cOFvHcCIhw%3D',
    )
  })
})
