// A transport over a TCP hub: one line for each frame, with the receiver's topic and the frame as base64.
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { TetherError } from 'lambda-tether'

const frameBytes = 256 * 1024
const topicOf = ({ app, stage, role, name }) =>
  Buffer.from(JSON.stringify([app, stage, role, name])).toString('base64url')

/** @returns {import('lambda-tether').Transport} */
export const tcp = ({ host = '127.0.0.1', port }) => ({
  name: 'tcp',
  limits: { frameBytes },
  async connect(self, handlers, { signal } = {}) {
    if (signal?.aborted) throw new TetherError('ABORTED', 'Connecting was aborted.')
    const socket = connect({ host, port, noDelay: true })
    let over
    const end = (code, message) => {
      over ??= new TetherError(code, message)
      socket.destroy()
    }
    const abort = () => end('ABORTED', 'Connecting was aborted.')
    signal?.addEventListener('abort', abort, { once: true })
    socket.on('error', ({ message }) => end('UNREACHABLE', `The hub at ${host}:${port}: ${message}`))
    socket.on('close', () => end('UNREACHABLE', `The hub at ${host}:${port} ended the connection.`))
    const closed = new Promise((resolve) => socket.on('close', resolve)).then(() =>
      over.code === 'CLOSED' ? undefined : over,
    )
    // It repeats the socket's errors.
    const lines = createInterface({ input: socket }).on('error', () => {})
    socket.write(`${topicOf(self)}\n`)
    await Promise.race([once(lines, 'line'), closed])
    signal?.removeEventListener('abort', abort)
    if (over) throw over
    lines.on('line', (line) => over ?? handlers.onFrame(Uint8Array.from(Buffer.from(line, 'base64'))))
    const close = () => closed.finally(end('CLOSED', 'The connection was closed.'))
    const send = async (to, frame, { signal } = {}) => {
      if (signal?.aborted) throw new TetherError('ABORTED', 'Sending was aborted.')
      if (over) throw over
      if (frame.length > frameBytes)
        throw new TetherError('TOO_LARGE', `A frame has ${frame.length} bytes; at most ${frameBytes} fit.`)
      socket.write(`${topicOf(to)} ${Buffer.from(frame).toString('base64')}\n`)
    }
    return { send, close, closed, [Symbol.asyncDispose]: close }
  },
})
