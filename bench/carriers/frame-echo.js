import { Waiting } from './waiting.js'

const REQUEST = { app: 'raw', stage: 'bench', role: 'session', name: 'echo' }
const RESPONSE = { app: 'raw', stage: 'bench', role: 'stub', name: 'asker' }

/** A raw echo of frames over the transport itself: its cost without seals, messages and invocations. */
export async function frameEcho(transport) {
  const connections = []
  const waiting = new Waiting()
  return {
    async serve() {
      const connection = await transport.connect(REQUEST, {
        onFrame: (frame) => void connection.send({ ...RESPONSE }, frame),
      })
      connections.push(connection)
    },
    async listen() {
      connections.push(await transport.connect(RESPONSE, { onFrame: () => waiting.answered() }))
    },
    async ask(payload) {
      const answer = waiting.answer()
      await connections.at(-1).send({ ...REQUEST, lane: 0 }, Buffer.from(payload))
      await answer
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()))
    },
  }
}
