import { makeFrame } from './peer.js'
import type { TransportTest } from './trial.js'

const CHUNKS = 32
const LARGE_BYTES = 16_384
const SMALL_BYTES = 200
/** As a session has them under way. */
const AT_ONCE = 4
/** As a stub gives credit: after so many chunks. */
const CREDIT_EVERY = 8

export const transportStreamingTests: readonly TransportTest[] = [
  {
    name: 'large and small frames arrive while their receiver sends',
    async run(trial) {
      const session = await trial.connect(trial.endpoint('session'))
      const stub = await trial.connect(trial.endpoint('stub'))
      const { frameBytes } = trial.transport.limits
      const bytes = (index: number) => (index % 2 === 0 ? Math.min(frameBytes, LARGE_BYTES) : SMALL_BYTES)
      const chunks = Array.from({ length: CHUNKS }, (_, index) => makeFrame(`chunk ${index}`, bytes(index)))
      const credits: Uint8Array[] = []
      const answering = async () => {
        for (let arrived = CREDIT_EVERY; arrived <= CHUNKS; arrived += CREDIT_EVERY) {
          await stub.receives(...chunks.slice(0, arrived))
          const credit = makeFrame(`credit ${arrived}`)
          credits.push(credit)
          await stub.send({ ...session.self, lane: 3 }, credit)
        }
      }
      const next = chunks.values()
      const line = async () => {
        for (const chunk of next) await session.send(stub.self, chunk)
      }
      await Promise.all([answering(), ...Array.from({ length: AT_ONCE }, line)])
      await session.receives(...credits)
    },
  },
]
