import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { TetherError } from '../core/base/errors.js'

/** An HTTP server that is listening. */
export interface HttpListener extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string
  /** Ends every connection. Idempotent. */
  close(): Promise<void>
}

/** Takes a request for an upgrade to another protocol, with its socket and the first bytes after it. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * Listens on a port; 0 picks a free one. The upgrade listener must close the sockets of upgrades.
 * @throws TetherError `UNREACHABLE` when the port is taken or not allowed
 */
export async function listen(
  listener: RequestListener,
  host: string,
  port: number,
  onUpgrade?: UpgradeListener,
): Promise<HttpListener> {
  const server = createServer(listener)
  if (onUpgrade !== undefined) server.on('upgrade', onUpgrade)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new TetherError(
          'UNREACHABLE',
          `Cannot listen on ${host}:${port}: ${cause.message}. Choose another port.`,
          {
            cause,
          },
        ),
      ),
    )
    server.listen(port, host, resolve)
  })
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  const name = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${name}:${(server.address() as AddressInfo).port}`,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Returns a listener that loads the real one on the first request. */
export function loadedLater(load: () => Promise<RequestListener>): RequestListener {
  let loading: Promise<RequestListener> | undefined
  return (request, response) => {
    loading ??= load()
    loading.then(
      (listener) => listener(request, response),
      (error) => response.writeHead(500).end(String(error)),
    )
  }
}

/**
 * Reads a request's body; `undefined` if it is larger than `max` bytes, or the client disconnects. Reads and discards
 * the rest of a larger body, so that the client can receive the answer.
 */
export function readBody(request: IncomingMessage, max: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      if (size <= max) chunks.push(chunk)
      else resolve(undefined)
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', () => resolve(undefined))
  })
}

/**
 * Sends a body as it arrives, no faster than the client reads. Reads the body to its end even if the client
 * disconnects: on Lambda, a disconnect does not stop the function either.
 * @throws the body's error
 */
export async function sendStream(response: ServerResponse, body: AsyncIterable<Uint8Array>): Promise<void> {
  response.flushHeaders()
  for await (const chunk of body) {
    if (!response.destroyed && !response.write(chunk)) await drainedOrClosed(response)
  }
  response.end()
}

function drainedOrClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
