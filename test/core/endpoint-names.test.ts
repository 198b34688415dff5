import { describe, expect, it } from 'vitest'
import { checkEndpoint } from '../../src/core/contracts/transport.js'
import { iotPolicy } from '../../src/deploy/index.js'
import { createSession, type Endpoint, generateKey } from '../../src/index.js'
import { createStub, stubEnvironment, stubKey } from '../../src/stub/index.js'
import { memory } from '../../src/transports/memory.js'

const key = generateKey()
const transport = memory()
const place = { app: 'shop, online', stage: 'dev, eu' }
const functionId = 'api'
const refused = (option: string) =>
  expect.objectContaining({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(new RegExp(`'${option}'.*has a comma, which separates names`)),
  })

describe('a comma', () => {
  it.each<[string, string, (session: string) => unknown]>([
    ['createSession', 'name', (name) => createSession({ ...place, key, transport, name })],
    [
      'createStub',
      'session',
      (session) => createStub({ ...place, key: stubKey({ ...place, key, functionId }), transport, session }),
    ],
    [
      'stubEnvironment',
      'session',
      (session) => stubEnvironment({ ...place, key, functionId, session, endpoint: 'broker.example.com' }),
    ],
    ['iotPolicy', 'session', (session) => iotPolicy({ ...place, role: 'stub', session })],
    ['a transport', 'name', (name) => checkEndpoint({ ...place, role: 'session', name } satisfies Endpoint)],
  ])("is refused by %s in a session's name, and taken in app and stage", (_who, option, call) => {
    expect(() => call('alice,bob')).toThrow(refused(option))
    expect(() => call('alice; bob')).not.toThrow()
  })
})
