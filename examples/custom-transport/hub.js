// A small broker: it passes each line on to the subscribers of its topic.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

export async function startHub() {
  const topics = new Map()
  const sockets = new Set()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    let own
    socket.once('close', () => {
      sockets.delete(socket)
      topics.get(own)?.delete(socket)
    })
    const lines = createInterface({ input: socket })
    // A peer that is gone; the interface repeats the socket's errors.
    for (const stream of [socket, lines]) stream.on('error', () => {})
    lines.on('line', (line) => {
      if (own === undefined) {
        own = line
        topics.set(own, (topics.get(own) ?? new Set()).add(socket))
        return socket.write('subscribed\n')
      }
      const [topic, frame] = line.split(' ')
      for (const receiver of topics.get(topic) ?? []) receiver.write(`${frame}\n`)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: server.address().port,
    cut: () => sockets.forEach((socket) => void socket.destroy()),
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
