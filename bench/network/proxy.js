// A network between a party and its broker: delay, and the faults that networks have.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { DelayLine } from './delay-line.js'

/** A TCP proxy on a port of its own. Each direction takes half of `roundTripMs`; order and all bytes are kept. */
export async function startProxy({ port, roundTripMs = 0 }) {
  const pairs = new Set()
  let closedBytes = 0
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const lines = [new DelayLine(near, far, roundTripMs / 2), new DelayLine(far, near, roundTripMs / 2)]
    const pair = new Pair(lines)
    pairs.add(pair)
    near.once('close', () => {
      pairs.delete(pair)
      closedBytes += pair.bytes
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: server.address().port,
    /** Bytes carried, both directions together. */
    bytes: () => [...pairs].reduce((sum, pair) => sum + pair.bytes, closedBytes),
    /** Resets the connections that `choose` picks. */
    cut(choose = () => true) {
      for (const pair of [...pairs].filter(choose)) pair.cut()
    },
    /** Holds everything back for so long: bytes are late, none are lost. */
    async stall(forMs) {
      const stalled = [...pairs]
      for (const pair of stalled) pair.stall()
      await sleep(forMs)
      for (const pair of stalled) pair.resume()
    },
    /** Open connections carry nothing from now on, and neither side is told: as after a NAT has forgotten them. */
    mute(choose = () => true) {
      for (const pair of [...pairs].filter(choose)) pair.stall()
    },
    async stop() {
      for (const pair of pairs) pair.cut()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Both directions of one connection. */
class Pair {
  #lines

  constructor(lines) {
    this.#lines = lines
  }

  get bytes() {
    return this.#lines.reduce((sum, line) => sum + line.bytes, 0)
  }

  cut() {
    for (const line of this.#lines) line.cut()
  }

  stall() {
    for (const line of this.#lines) line.stall()
  }

  resume() {
    for (const line of this.#lines) line.resume()
  }
}
