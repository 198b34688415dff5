import { Writable } from 'node:stream'

/** Turns a streaming handler into a handler that returns its whole output. A stream that breaks off gives no answer. */
export function collecting(handler) {
  return async (event, context) => {
    const pieces = []
    const stream = new Writable({
      write(piece, _encoding, done) {
        pieces.push(piece)
        done()
      },
    })
    await handler(event, Object.assign(stream, { setContentType() {} }), context)
    return JSON.parse(Buffer.concat(pieces))
  }
}
