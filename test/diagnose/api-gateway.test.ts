import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSession } from '../../src/index.js'
import { createLocalCloud, type LocalCloud } from '../../src/local/index.js'
import { type ApiGatewayOptions, apiGateway } from '../../src/transports/api-gateway.js'
import { found, PASSED, place } from './found.js'

let cloud: LocalCloud
let options: ApiGatewayOptions
beforeAll(async () => {
  cloud = createLocalCloud()
  await cloud.open()
  const { endpoint } = await cloud.debugStack(place)
  options = { region: cloud.region, credentials: cloud.credentials, endpoint }
})
afterAll(() => cloud.close())

describe('diagnose() of API Gateway', () => {
  it('sends a stub frame through the relay, and checks whether a session has the name', async () => {
    const transport = apiGateway(options)
    const nobody = await found({ transport })
    expect(nobody.outcomes).toEqual({
      ...PASSED,
      upgrade: 'ok',
      echo: 'ok',
      presence: 'ok',
      name: 'warning',
      stubs: 'unknown',
    })
    expect(nobody.seen.name).toBe("Nobody is connected as 'default'.")
    await using session = createSession({ ...place, transport })
    await session.open()
    const discards: string[] = []
    session.on('discard', ({ message }) => discards.push(message))
    const { outcomes, seen } = await found({ transport: apiGateway(options), session })
    expect(outcomes).toMatchObject({ name: 'ok', session: 'ok' })
    expect(seen.name).toBe("A session is connected as 'default'.")
    expect(session.status.state).toBe('connected')
    expect(discards).toEqual([])
  })

  it('reports a key that the stack does not have', async () => {
    const { outcomes, seen } = await found({ transport: apiGateway(options), key: Buffer.alloc(32, 5) })
    expect(outcomes).toMatchObject({ clock: 'ok', upgrade: 'failed', echo: 'skipped', name: 'skipped' })
    expect(seen.upgrade).toMatch(/status 403.*give the session the key that the stack has/)
  })
})
