import { makeFrame } from './peer.js'
import type { TransportTest } from './trial.js'

// Around the lengths at which WebSocket, MQTT and 16-bit fields change their headers.
const SIZES = [1, 2, 125, 126, 127, 128, 16_383, 16_384, 65_535]

export const deliveryTests: readonly TransportTest[] = [
  {
    name: 'a frame of any bytes arrives unchanged',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const frames = [
        Uint8Array.from({ length: 256 }, (_, byte) => byte),
        Uint8Array.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
        new TextEncoder().encode('{"action":"$default"}\r\n\r\n漢\u2028'),
        new Uint8Array(32),
      ]
      for (const frame of frames) await sender.send(receiver.self, frame)
      await receiver.receives(...frames)
      receiver.receivedOnly(...frames)
    },
  },
  {
    name: 'a frame of any size up to limits.frameBytes arrives whole',
    async run(trial) {
      const { frameBytes } = trial.transport.limits
      const { sender, receiver } = await trial.pair()
      const sizes = [...SIZES.filter((bytes) => bytes < frameBytes), frameBytes]
      const frames = sizes.map((bytes) => makeFrame('size', bytes))
      for (const frame of frames) await sender.send(receiver.self, frame)
      await receiver.receives(...frames)
      receiver.receivedOnly(...frames)
    },
  },
  {
    name: 'only the view is sent of a larger buffer',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const view = makeFrame('larger', 1_000).subarray(100, 200)
      await sender.send(receiver.self, view)
      await receiver.receives(view)
    },
  },
  {
    name: 'a sender may overwrite its bytes once send() has resolved',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const frames = [64, 4_096, trial.transport.limits.frameBytes].map((bytes) => makeFrame('kept', bytes))
      for (const frame of frames) {
        const bytes = Uint8Array.from(frame)
        await sender.send(receiver.self, bytes)
        bytes.fill(0)
      }
      await receiver.receives(...frames)
    },
  },
  {
    name: 'later frames do not overwrite a received frame',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const frames = Array.from({ length: 20 }, (_, index) => makeFrame(`kept ${index}`, 1_024))
      for (const frame of frames) {
        await sender.send(receiver.self, frame)
        await receiver.receives(frame)
      }
      await receiver.receives(...frames)
    },
  },
  {
    name: 'frames sent concurrently all arrive',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const frames = Array.from({ length: 40 }, (_, index) => makeFrame(`at once ${index}`, 1 + index * 100))
      await Promise.all(frames.map((frame) => sender.send(receiver.self, frame)))
      await receiver.receives(...frames)
    },
  },
  {
    name: 'a session and a stub send to each other',
    async run(trial) {
      const session = await trial.connect(trial.endpoint('session'))
      const stub = await trial.connect(trial.endpoint('stub'))
      await Promise.all([
        stub.send({ ...session.self, lane: 3 }, makeFrame('to session')),
        session.send(stub.self, makeFrame('to stub')),
      ])
      await session.receives(makeFrame('to session'))
      await stub.receives(makeFrame('to stub'))
    },
  },
  {
    name: 'replacing a connection loses no frames',
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      await sender.send(receiver.self, makeFrame('before'))
      await receiver.receives(makeFrame('before'))
      const successor = await trial.connect(receiver.self)
      await sender.send(receiver.self, makeFrame('meanwhile'))
      await Promise.any([receiver, successor].map((peer) => peer.receives(makeFrame('meanwhile'))))
      await receiver.close()
      await sender.send(receiver.self, makeFrame('after'))
      await successor.receives(makeFrame('after'))
    },
  },
  {
    name: 'a session reaches every other session of its name',
    async run(trial) {
      const sessions = []
      for (const epoch of [2, 3, 1]) {
        const identity = { session: `session-${epoch}`, epoch }
        sessions.push(await trial.connect(trial.endpoint('session'), { identity }))
      }
      for (const [index, session] of sessions.entries()) {
        const claim = makeFrame(`claim ${index}`)
        await session.send(session.self, claim)
        for (const other of sessions) if (other !== session) await other.receives(claim)
      }
    },
  },
  {
    name: 'a frame reaches every connection of its endpoint',
    needs: ['serve'],
    async run(trial) {
      const { sender, receiver } = await trial.pair()
      const others = [await trial.connect(receiver.self), await trial.connect(receiver.self)]
      await sender.send(receiver.self, makeFrame('all'))
      for (const peer of [receiver, ...others]) await peer.receives(makeFrame('all'))
    },
  },
]
