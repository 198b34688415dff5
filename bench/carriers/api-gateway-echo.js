import { once } from 'node:events'
import WebSocket from 'ws'
import { RawPosts, signedHeaders } from './api-gateway-post.js'
import { Waiting } from './waiting.js'

/**
 * A raw echo by plain WebSockets and plain posts to the management API, past the relay. The asker learns the ids of
 * both connections from the bench's own API Gateway; it posts its own id first, for the answer.
 */
export async function apiGatewayEcho(url, name) {
  const target = new URL(`${url}?raw=${name}`)
  const socket = new WebSocket(target, { headers: signedHeaders('GET', target), perMessageDeflate: false })
  const posts = new RawPosts(url)
  const waiting = new Waiting()
  let ids
  await once(socket, 'open')
  return {
    async serve() {
      socket.on('message', (bytes) => {
        const text = bytes.toString()
        void posts.post(text.slice(0, text.indexOf(' ')), text)
      })
    },
    async listen() {
      socket.send('ids')
      const [text] = await once(socket, 'message')
      ids = JSON.parse(text)
      socket.on('message', () => waiting.answered())
    },
    async ask(payload) {
      const answer = waiting.answer()
      await posts.post(ids.echo, `${ids.own} ${payload}`)
      await answer
    },
    async close() {
      socket.terminate()
    },
  }
}
