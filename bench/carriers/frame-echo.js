const REQUEST = { app: 'raw', stage: 'bench', role: 'session', name: 'echo' }
const RESPONSE = { app: 'raw', stage: 'bench', role: 'stub', name: 'asker' }

/** A raw echo of frames over the transport itself: what it costs without seals, messages and invocations. */
export async function frameEcho(transport) {
  const connections = []
  let answered = () => {}
  return {
    async serve() {
      const connection = await transport.connect(REQUEST, {
        onFrame: (frame) => void connection.send({ ...RESPONSE }, frame),
      })
      connections.push(connection)
    },
    async listen() {
      connections.push(await transport.connect(RESPONSE, { onFrame: () => answered() }))
    },
    async ask(payload) {
      const answer = new Promise((resolve) => {
        answered = resolve
      })
      await connections.at(-1).send({ ...REQUEST, lane: 0 }, Buffer.from(payload))
      await answer
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()))
    },
  }
}
