// The states of a mirror's broker, from the best to the worst, in a process of its own, so that the broker's work does
// not count as the function's time.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createSession } from 'lambda-tether'
import { createLocalCloud } from 'lambda-tether/local'
import { mqtt } from 'lambda-tether/transports/mqtt'
import { freePort } from '../network/free-port.js'
import { onEnd, report } from '../process/child.js'

const { BENCH_BROKER, BENCH_APP: app, BENCH_STAGE: stage, BENCH_KEY: key } = process.env
const brokers = {
  /** A session runs every copy. */
  attached: () => withSession((session) => session.serve({ functions: { api: async () => 'local' } })),
  /** A session takes every copy and never answers. */
  silent: () => withSession((session) => session.on('invoke', (invocation) => invocation.ack())),
  /** No server listens there. */
  unreachable: async () => ({ url: `mqtt://127.0.0.1:${await freePort()}`, close() {} }),
  /** Accepts connections and never answers. */
  async hanging() {
    const sockets = new Set()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const close = () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
    return { url: `mqtt://127.0.0.1:${server.address().port}`, close }
  },
}

let arrived = 0
const { url, close } = await brokers[BENCH_BROKER]()
onEnd(close)
process.on('message', () => report('arrived', { arrived }))
report('ready', { url })

async function withSession(prepare) {
  const cloud = createLocalCloud()
  await cloud.open()
  const session = createSession({ app, stage, key, transport: mqtt({ url: cloud.mqttUrl }) })
  session.on('invoke', () => void arrived++)
  prepare(session)
  await session.open()
  const end = async () => {
    await session.close({ signal: AbortSignal.abort() })
    await cloud.close()
  }
  return { url: cloud.mqttUrl, close: end }
}
