import { describe, expect, test } from 'vitest'
import { type WebSocketApiOptions, webSocketApi } from '../../src/local/index.js'
import { taking } from './web-socket-fixture.js'

describe('webSocketApi', () => {
  // A route that is none would only be found by the first client, where nobody can catch.
  test.each<[string, object]>([
    ["'routes'", { routes: undefined }],
    ["'routes'", { routes: 'mock' }],
    ["'routes.$connect'", { routes: { $connect: 5 } }],
    ["'routes.$default'", { routes: { $default: { invoke: 'me' } } }],
    ["'stage'", { stage: '' }],
    ["'stage'", { stage: 'a/b' }],
    ["'apiId'", { apiId: 5 }],
    ["'identities'", { identities: {} }],
    ["'identities[0].accessKeyId'", { identities: [{}] }],
    ["'identities[0].secretAccessKey'", { identities: [{ accessKeyId: 'AKIA' }] }],
    ["'limits.idle'", { limits: { idle: 1 } }],
    ["'host'", { host: '' }],
    ["'port'", { port: -1 }],
    ["'region'", { region: 5 }],
    ["'accountId'", { accountId: '' }],
  ])('names the option that is wrong: %s of %j', async (name, wrong) => {
    const options = { routes: { $connect: taking() }, ...wrong } as WebSocketApiOptions
    await expect(webSocketApi(options)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(name),
    })
  })

  test('wants options', async () => {
    await expect(webSocketApi(undefined as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})
