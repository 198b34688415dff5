import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { readUrl } from '../../src/network/read-url.js'
import { ManualClock } from '../support/manual-clock.js'

beforeEach(() => {
  for (const name of Object.keys(process.env)) if (/_proxy$/i.test(name)) vi.stubEnv(name, undefined)
  return () => void vi.unstubAllEnvs()
})

test.each([
  ['before its answer', () => {}],
  ['within its answer', (response: ServerResponse) => void response.write('some')],
])('a server that is silent %s is given up', async (_when, begin) => {
  const server = createServer((_request, response) => begin(response))
  onTestFinished(() => void server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const clock = new ManualClock()
  const asked = once(server, 'request')
  const reading = readUrl(`http://127.0.0.1:${port}/code`, { clock }).catch((error: Error) => error)
  await asked
  clock.advance(60_000)
  expect(await reading).toMatchObject({ message: 'the server said nothing for 60 s' })
  const [request] = await asked
  if (!request.socket.destroyed) await once(request.socket, 'close')
})
