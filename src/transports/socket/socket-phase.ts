import { isIP, type Socket } from 'node:net'
import type { ConnectPhase } from './connect-phase.js'

/**
 * Follows a socket while it connects.
 * @param then the phase after the socket has connected
 * @returns a function that gives the current phase
 */
export function socketPhase(
  socket: Socket & { readonly secureConnecting?: boolean },
  { host, secure }: { readonly host: string; readonly secure: boolean },
  then: ConnectPhase,
): () => ConnectPhase {
  const connected = secure ? 'tls' : then
  let phase = !socket.connecting ? connected : isIP(host) === 0 ? 'resolve' : 'socket'
  socket.once('lookup', (error: Error | null) => {
    if (!error) phase = 'socket'
  })
  socket.once('connect', () => {
    phase = connected
  })
  socket.once('secureConnect', () => {
    phase = then
  })
  return () => phase
}
