import type { IncomingMessage } from 'node:http'
import { deferred } from '../../core/base/deferred.js'
import { HandlerError } from '../../core/base/errors.js'
import { ByteStream } from '../../core/streams/byte-stream.js'
import { type RuntimeStream, trailingError } from './answer.js'

/** Bytes of a streamed response read ahead of the reader, in addition to the connection's own buffers. */
const READ_AHEAD_BYTES = 64 * 1024

/** Whether a runtime posts its response as a stream. */
export function isStreamed({ headers }: IncomingMessage): boolean {
  return headers['lambda-runtime-function-response-mode']?.toString().toLowerCase() === 'streaming'
}

/**
 * Returns an incoming response as a stream. A slow reader slows down the runtime.
 * @param done called when the whole response has been received
 */
export function streamedAnswer(request: IncomingMessage, done: () => void): RuntimeStream {
  const body = new ByteStream(READ_AHEAD_BYTES)
  const cut = deferred()
  request.on('data', (chunk: Buffer) => {
    body.push(chunk)
    if (body.full) request.pause()
  })
  body.onRead(() => {
    if (!body.full) request.resume()
  })
  request.on('end', () => {
    const error = trailingError(request)
    if (error === undefined) body.end()
    else body.fail(new HandlerError(error))
    done()
  })
  request.on('close', () => {
    if (!body.over) cut.resolve()
  })
  return { kind: 'stream', contentType: request.headers['content-type'], body, cut: cut.promise }
}
