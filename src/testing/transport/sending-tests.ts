import assert from 'node:assert/strict'
import { TetherError } from '../../core/base/errors.js'
import { makeFrame } from './peer.js'
import type { TransportTest } from './trial.js'

// A smaller frame would leave no room for a sealed header.
const MIN_FRAME_BYTES = 1_024

export const sendingTests: readonly TransportTest[] = [
  {
    name: 'name, limits and pricing have valid values',
    async run({ transport: { name, limits, pricing } }) {
      assert(typeof name === 'string' && name !== '', 'name is empty.')
      const { frameBytes, rate } = limits
      assert(
        Number.isSafeInteger(frameBytes) && frameBytes >= MIN_FRAME_BYTES,
        `limits.frameBytes is ${frameBytes}; it must be a whole number from ${MIN_FRAME_BYTES}.`,
      )
      for (const [key, value] of Object.entries({ frames: rate?.frames ?? 1, bytes: rate?.bytes ?? 1 }))
        assert(Number.isFinite(value) && value > 0, `limits.rate.${key} is ${value}; it must be over 0.`)
      assert(['sent', 'sent+received', undefined].includes(rate?.counts), 'limits.rate.counts is unknown.')
      const { counts, addressBytes, ...prices } = pricing ?? {}
      assert(['sent', 'sent+received', undefined].includes(counts), 'pricing.counts is unknown.')
      if (addressBytes !== undefined) {
        const bytes = addressBytes({ app: 'shop', stage: 'dev', role: 'session', name: 'default' })
        assert(
          Number.isFinite(bytes) && bytes >= 0,
          `pricing.addressBytes() is ${bytes}; it must not be under 0.`,
        )
      }
      for (const [key, value = 0] of Object.entries(prices))
        assert(Number.isFinite(value) && value >= 0, `pricing.${key} is ${value}; it must not be under 0.`)
    },
  },
  {
    name: 'send() rejects a frame over limits.frameBytes with TOO_LARGE and both sizes',
    async run(trial) {
      const { frameBytes } = trial.transport.limits
      const { sender, receiver } = await trial.pair()
      const sending = sender.send(receiver.self, makeFrame('large', frameBytes + 1))
      const { message } = await trial.rejects('send()', sending, 'TOO_LARGE')
      const numbers = message.replaceAll(/(?<=\d)[,_ ](?=\d{3})/g, '')
      for (const number of [frameBytes, frameBytes + 1])
        assert(numbers.includes(String(number)), `'${message}' does not say ${number}.`)
    },
  },
  {
    name: 'a frame over limits.frameBytes is not sent, and the connection stays usable',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const large = makeFrame('large', trial.transport.limits.frameBytes + 1)
      await sender.send(receiver.self, large).catch(() => {})
      await sender.send(receiver.self, makeFrame('next'))
      await receiver.receives(makeFrame('next'))
      receiver.receivedOnly(makeFrame('next'))
    },
  },
  {
    name: 'send() with an aborted signal rejects with ABORTED and sends nothing',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const options = { signal: AbortSignal.abort() }
      await trial.rejects('send()', sender.send(receiver.self, makeFrame('aborted'), options), 'ABORTED')
      await sender.send(receiver.self, makeFrame('next'))
      await receiver.receives(makeFrame('next'))
      receiver.receivedOnly(makeFrame('next'))
    },
  },
  {
    name: 'a frame to an endpoint without connections does no harm',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      try {
        await sender.send(trial.endpoint('stub', { name: 'nobody' }), makeFrame('lost'))
      } catch (error) {
        // A broker that knows of absent receivers may report them.
        assert(error instanceof TetherError, String(error))
      }
      await sender.send(receiver.self, makeFrame('next'))
      await receiver.receives(makeFrame('next'))
    },
  },
]
