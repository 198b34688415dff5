import type { Duplex } from 'node:stream'
import { onAbort } from '../../core/base/abort.js'
import { TetherError } from '../../core/base/errors.js'
import { plainSocket } from '../socket/plain-socket.js'
import { WebSocketStream } from '../socket/web-socket-stream.js'
import { UpgradeRefused } from '../socket/web-socket-upgrade.js'
import type { MqttTarget } from './options.js'

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
  const { socket, opened } = webSocket ? openWebSocket(target) : openPlain(target)
  const ended = endOf(socket)
  const unlisten = onAbort(signal, () => socket.destroy())
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
    unlisten()
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
  const refusal = cause instanceof UpgradeRefused && cause.details
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

function openPlain({ protocol, ...target }: MqttTarget): Opening {
  const { socket, connected } = plainSocket({ ...target, secure: protocol === 'mqtts:' })
  return { socket, opened: connected }
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

function openWebSocket({ url, ca, cert, key, rejectUnauthorized }: MqttTarget): Opening {
  const socket = new WebSocketStream({ url: new URL(url), ca, cert, key, rejectUnauthorized })
  return { socket, opened: socket.opened }
}
