// One developer's host: the session and the local code.
import { createSession } from 'lambda-tether'
import { iot } from 'lambda-tether/transports/iot'

const tether = JSON.parse(process.env.TETHER)
const session = createSession({ ...tether, transport: iot(JSON.parse(process.env.BROKER)) })

session.on('status', (status) => {
  if (status.state === 'conflict' || status.state === 'unwatched') console.error(status.error.message)
})
session.serve({
  functions: { api: async () => ({ statusCode: 200, body: tether.name === 'bob' ? 'Bob' : 'Alice' }) },
})
await session.open()
process.send('open')
process.once('message', async () => {
  await session.close()
  process.disconnect()
})
