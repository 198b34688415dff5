import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Transport } from '../../src/index.js'
import type { WebSocketApi } from '../../src/local/index.js'
import { transportConformance } from '../../src/testing/index.js'
import { bothSides, type Database, postless, SIDES, startApi, startDatabase } from './api-gateway-fixture.js'

let database: Database
beforeAll(async () => {
  database = await startDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const [, light] = SIDES

describe.each<[string, (api: WebSocketApi) => Transport]>([
  ['apiGatewayLight', ({ endpoint }) => light!.make({ endpoint })],
  ['apiGateway, stubs with apiGatewayLight', ({ endpoint }) => bothSides({ endpoint })],
  ['apiGateway without the right to post', ({ endpoint }) => bothSides({ endpoint, credentials: postless })],
])('%s over the local API', (_name, make) => {
  transportConformance({
    test,
    without: ['serve', 'keep'],
    async factory() {
      const api = await startApi({ database })
      return { transport: make(api), cut: () => api.cut(), close: () => api.close() }
    },
  })
})
