import { connect as connectTcp, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { WebSocket } from 'ws'
import { TetherError } from '../core/errors.js'
import type { MqttTarget } from './mqtt-options.js'

/** An open byte stream, and when it ends. */
export interface MqttSocket {
  readonly socket: Duplex
  /** Never rejects: the first error of the stream, or undefined when it ended without one. */
  readonly ended: Promise<Error | undefined>
}

/**
 * Opens the byte stream that MQTT runs on: TCP, TLS, or WebSocket messages joined. Small writes leave at once
 * (no Nagle), and a peer that ends its half ends the stream. Firing the signal destroys it.
 * @throws TetherError `UNREACHABLE`, with `details.code` of the system's error or `details.statusCode` of a refused
 *   upgrade; the signal's reason
 */
export async function openSocket(target: MqttTarget, signal: AbortSignal): Promise<MqttSocket> {
  const webSocket = target.protocol === 'ws:' || target.protocol === 'wss:'
  const { socket, opened } = webSocket ? await openWebSocket(target) : openPlain(target)
  const ended = endOf(socket)
  const abort = () => socket.destroy()
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    await Promise.race([
      opened,
      ended.then((error) => {
        throw error ?? new Error('the peer closed the connection')
      }),
    ])
  } catch (error) {
    socket.destroy()
    throw signal.aborted ? signal.reason : unreachable(target, error)
  } finally {
    signal.removeEventListener('abort', abort)
  }
  // A peer that says goodbye in one direction and takes no bytes in the other would keep the socket open for ever.
  socket.once('end', () => socket.destroy())
  return { socket, ended }
}

/** A broker out of reach, as the error that says which and why. */
export function unreachable(
  target: MqttTarget,
  cause: unknown,
  details: Record<string, unknown> = {},
): TetherError {
  if (cause instanceof TetherError) return cause
  const { code, message } = (cause ?? {}) as NodeJS.ErrnoException
  const refusal = cause instanceof UpgradeRefused ? { statusCode: cause.statusCode, date: cause.date } : {}
  // With several addresses tried, Node's AggregateError has a code and no message.
  const reason = message || code || 'no reason given'
  return new TetherError('UNREACHABLE', `The MQTT broker at ${target.label} cannot be reached: ${reason}.`, {
    cause,
    details: { ...(code !== undefined && { code }), ...refusal, ...details },
  })
}

interface Opening {
  readonly socket: Duplex
  readonly opened: Promise<void>
}

function openPlain(target: MqttTarget): Opening {
  const { host, port, protocol, ca, cert, key, rejectUnauthorized } = target
  const secure = protocol === 'mqtts:'
  const socket = secure
    ? connectTls({
        host,
        port,
        ca,
        cert,
        key,
        rejectUnauthorized,
        ...(isIP(host) === 0 && { servername: host }),
      })
    : connectTcp({ host, port })
  socket.setNoDelay(true)
  return {
    socket,
    opened: new Promise((resolve) => socket.once(secure ? 'secureConnect' : 'connect', resolve)),
  }
}

function endOf(socket: Duplex): Promise<Error | undefined> {
  return new Promise((resolve) => {
    let first: Error | undefined
    // Stays for good: an error that nobody hears would end the process.
    socket.on('error', (error) => {
      first ??= error
    })
    socket.once('close', () => resolve(first))
  })
}

class UpgradeRefused extends Error {
  constructor(
    readonly statusCode: number,
    readonly date: string | undefined,
  ) {
    super(`the WebSocket upgrade was refused with status ${statusCode}`)
  }
}

async function openWebSocket({ url, ca, cert, key, rejectUnauthorized }: MqttTarget): Promise<Opening> {
  // Loaded here: a function that speaks plain TCP never pays for it. It sets TCP_NODELAY itself.
  const { WebSocket, createWebSocketStream } = await import('ws')
  const webSocket = new WebSocket(url, ['mqtt'], {
    perMessageDeflate: false,
    ca,
    cert,
    key,
    rejectUnauthorized,
  })
  const opened = new Promise<void>((resolve, reject) => {
    webSocket.once('open', resolve)
    webSocket.once('unexpected-response', (_request, response) =>
      reject(new UpgradeRefused(response.statusCode ?? 0, response.headers.date)),
    )
  })
  return { socket: streamOf(webSocket, createWebSocketStream), opened }
}

function streamOf(webSocket: WebSocket, createStream: typeof import('ws').createWebSocketStream): Duplex {
  const socket = createStream(webSocket)
  // One MQTT packet written in pieces becomes one WebSocket message.
  socket._writev = (chunks, callback) => {
    socket._write(
      Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)),
      'buffer' as BufferEncoding,
      callback,
    )
  }
  return socket
}
