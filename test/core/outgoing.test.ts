import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { sessionKeys } from '../../src/core/session/options.js'
import { Outgoing } from '../../src/core/wire/outgoing.js'
import { generateKey } from '../../src/core/wire/root-key.js'
import type { AbortOptions, Endpoint } from '../../src/index.js'
import { memory } from '../../src/transports/memory.js'

const self: Endpoint = { app: 'shop', stage: 'dev', role: 'session', name: 'default' }
const stub: Endpoint = { ...self, role: 'stub', name: 'environment-1' }

test('a large message may be aborted as a whole, and Node does not warn of its many listeners', async () => {
  const warnings: string[] = []
  const onWarning = ({ name }: Error) => void warnings.push(name)
  process.on('warning', onWarning)
  onTestFinished(() => void process.off('warning', onWarning))
  let sent = 0
  const keys = sessionKeys({ ...self, key: generateKey(), transport: memory() })
  const outgoing = new Outgoing({
    self,
    keys,
    frameBytes: 1_100,
    // As a connection and its transport do.
    async send(_to: Endpoint, _frame: Uint8Array, { signal }: AbortOptions) {
      const ignore = () => {}
      const also = () => {}
      signal?.addEventListener('abort', ignore)
      signal?.addEventListener('abort', also)
      await turn()
      signal?.removeEventListener('abort', ignore)
      signal?.removeEventListener('abort', also)
      sent++
    },
  })
  const { signal } = new AbortController()
  const options = { signal }
  const message = await outgoing.send(stub, Buffer.alloc(20_000), keys.scope, options)
  expect(sent).toBe(message.count)
  expect(message.count).toBeGreaterThan(16)
  await message.resend([...Array(message.count).keys()], { signal: new AbortController().signal })
  // A warning is told a turn later.
  await turn()
  expect(warnings).toEqual([])
})

test('a part is sent again once, however often it is asked for', async () => {
  const keys = sessionKeys({ ...self, key: generateKey(), transport: memory() })
  const frames: Uint8Array[] = []
  const send = async (_to: Endpoint, frame: Uint8Array) => void frames.push(frame)
  const outgoing = new Outgoing({ self, keys, frameBytes: 1_100, send })
  const message = await outgoing.send(stub, Buffer.alloc(5_000), keys.scope, {})
  frames.length = 0
  // Half a megabyte of head has room for a quarter of a million of them.
  await message.resend([...Array(1_000).fill(1), 2, 7])
  expect(frames).toHaveLength(2)
})

test('a session that has used up its sender id goes on under another, and a stub under none', async () => {
  const keys = sessionKeys({ ...self, key: generateKey(), transport: memory() })
  const send = async () => {}
  const references = async (of: Endpoint, to: Endpoint, times: number) => {
    const outgoing = new Outgoing({ self: of, keys, frameBytes: 1_100, send }, 4)
    const sent: string[] = []
    const worn: boolean[] = []
    const sending = async () => {
      for (let time = 0; time < times; time++) {
        const { reference } = await outgoing.send(to, Buffer.alloc(1), keys.scope, {})
        sent.push(reference)
        worn.push(outgoing.worn)
      }
    }
    const error = await sending().catch((thrown: unknown) => thrown)
    return { ids: sent.map((reference) => reference.split(':')[0]), sent, worn, error }
  }
  const { ids, sent } = await references(self, stub, 8)
  expect(new Set(ids.slice(0, 4)).size).toBe(1)
  expect(new Set(ids.slice(4)).size).toBe(1)
  expect(ids[4]).not.toBe(ids[0])
  expect(new Set(sent).size).toBe(8)
  const { worn, error } = await references({ ...stub, name: 'A'.repeat(22) }, self, 5)
  expect(worn).toEqual([false, false, true, true])
  expect(error).toMatchObject({ code: 'PROTOCOL', message: expect.stringContaining('has sealed 4 frames') })
})
