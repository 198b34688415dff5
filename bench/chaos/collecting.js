import { Writable } from 'node:stream'

/** A handler that streams, as one that returns what it has written. A stream that breaks off is no answer. */
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
