import type { Duplex } from 'node:stream'
import { onAbort } from '../../core/base/abort.js'
import { TetherError, withWords } from '../../core/base/errors.js'
import type { ConnectPhase } from '../socket/connect-phase.js'
import { plainSocket } from '../socket/plain-socket.js'
import { socketPhase } from '../socket/socket-phase.js'
import type { OpenWebSocket } from '../socket/web-socket.js'
import { WebSocketStream } from '../socket/web-socket-stream.js'
import { UpgradeRefused } from '../socket/web-socket-upgrade.js'
import type { MqttTarget } from './options.js'

/** An open byte stream, and when it ends. */
export interface MqttSocket {
  readonly socket: Duplex
  /** Resolves to the stream's first error, or to undefined if it ended without one. Never rejects. */
  readonly ended: Promise<Error | undefined>
}

/** A byte stream that is being opened. */
export interface MqttOpening {
  readonly socket: Duplex
  /** Never rejects. */
  readonly opened: Promise<void>
  /** The phase that it has reached. */
  phase(): ConnectPhase
}

/** How one side opens its byte streams. */
export interface MqttSockets {
  readonly openWebSocket: OpenWebSocket
  /** Opens TCP and TLS sockets through an agent or a proxy. Absent in stubs. */
  readonly agentSocket?: (target: MqttTarget, signal: AbortSignal) => Promise<MqttOpening | undefined>
  /** Returns advice about a failure, with a leading space. Absent in stubs. */
  readonly advice?: (target: MqttTarget, code: string | undefined) => string
}

/**
 * Opens the byte stream that MQTT runs on: TCP, TLS, or WebSocket messages joined. Small writes leave at once
 * (no Nagle), and a peer that ends its half ends the stream. Firing the signal destroys it.
 * @throws TetherError `UNREACHABLE`, with `details.during`, and `details.code` of the system's error or `details.statusCode`
 *   of a refused upgrade; the signal's reason, with `details.during` if it is `UNREACHABLE`
 */
export async function openSocket(
  sockets: MqttSockets,
  target: MqttTarget,
  signal: AbortSignal,
): Promise<MqttSocket> {
  let opening: MqttOpening | undefined
  const unlisten = onAbort(signal, () => opening?.socket.destroy())
  try {
    opening = await open(sockets, target, signal)
    const { socket, opened } = opening
    const ended = endOf(socket)
    if (signal.aborted) socket.destroy()
    await Promise.race([
      opened,
      ended.then((error) => {
        throw error ?? new Error('the peer closed the connection')
      }),
    ])
    // A peer that ends its half and reads no more would keep the socket open for ever.
    socket.once('end', () => socket.destroy())
    return { socket, ended }
  } catch (error) {
    opening?.socket.destroy()
    const during = opening?.phase() ?? 'proxy'
    if (signal.aborted) throw lateAt(during, signal.reason, sockets.advice?.(target, 'ETIMEDOUT'))
    const advice = sockets.advice?.(target, (error as NodeJS.ErrnoException).code)
    throw withWords(unreachable(target, error, { during }), advice ?? '')
  } finally {
    unlisten()
  }
}

/** Builds the error for an unreachable broker: its address and the reason. */
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

// The timer of `connectTimeoutMs` does not know the socket's phase, so it is added here.
function lateAt(during: ConnectPhase, reason: unknown, advice = ''): unknown {
  if (!(reason instanceof TetherError) || reason.code !== 'UNREACHABLE') return reason
  const { message, cause, details } = reason
  const late = { cause, details: { ...details, during } }
  return new TetherError('UNREACHABLE', message + advice, late)
}

async function open(sockets: MqttSockets, target: MqttTarget, signal: AbortSignal): Promise<MqttOpening> {
  if (target.protocol === 'ws:' || target.protocol === 'wss:') return openWebSocket(sockets, target)
  return (await sockets.agentSocket?.(target, signal)) ?? openPlain(target)
}

function openPlain({ protocol, ...target }: MqttTarget): MqttOpening {
  const plain = { ...target, secure: protocol === 'mqtts:' }
  const { socket, connected } = plainSocket(plain)
  return { socket, opened: connected, phase: socketPhase(socket, plain, 'connect') }
}

function endOf(socket: Duplex): Promise<Error | undefined> {
  return new Promise((resolve) => {
    let first: Error | undefined
    // Never removed: an error without a listener would end the process.
    socket.on('error', (error) => {
      first ??= error
    })
    socket.once('close', () => resolve(first))
  })
}

function openWebSocket(sockets: MqttSockets, target: MqttTarget): MqttOpening {
  const { url, ca, cert, key, rejectUnauthorized } = target
  const socket = new WebSocketStream(sockets.openWebSocket, {
    url: new URL(url),
    ca,
    cert,
    key,
    rejectUnauthorized,
  })
  return { socket, opened: socket.opened, phase: () => socket.phase }
}
