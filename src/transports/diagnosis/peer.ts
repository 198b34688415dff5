import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { onAbort } from '../../core/base/abort.js'
import type { AgentOptions } from '../../network/agent-option.js'
import { connectionAgent } from '../../network/outgoing.js'
import { agentSocket } from '../socket/agent-socket.js'
import { hostOf, plainSocket, type SocketTarget } from '../socket/plain-socket.js'

/** A server to check: its URL without a path, and its TLS options. */
export interface NetworkPeer
  extends AgentOptions,
    Pick<SocketTarget, 'ca' | 'cert' | 'key' | 'rejectUnauthorized'> {
  readonly url: URL
}

const SECURE = /^(wss|mqtts|https):$/
const WEB = /^wss?:$/
const PORTS: Readonly<Record<string, number>> = { 'ws:': 80, 'wss:': 443, 'mqtt:': 1883, 'mqtts:': 8883 }
const MAX_HEAD_BYTES = 16 * 1024

/** Whether the peer speaks TLS. */
export function isSecure({ url }: NetworkPeer): boolean {
  return SECURE.test(url.protocol)
}

/** Whether the peer speaks HTTP first. */
export function isWeb({ url }: NetworkPeer): boolean {
  return WEB.test(url.protocol)
}

/**
 * Connects as the transport does. Accepts an untrusted certificate, so that its issuer can be reported. The caller
 * destroys the socket.
 * @throws the network's error; the signal's reason
 */
export async function connectPeer(peer: NetworkPeer, signal: AbortSignal): Promise<Socket> {
  const { url, agent: given, ca, cert, key } = peer
  const secure = isSecure(peer)
  const port = url.port === '' ? PORTS[url.protocol]! : Number(url.port)
  const target = { host: hostOf(url), port, secure, ca, cert, key, rejectUnauthorized: false }
  // The environment's proxies serve HTTP and TLS only.
  const agent =
    secure || isWeb(peer) || given ? await connectionAgent(url, { agent: given }, signal) : undefined
  const socket = agent === undefined ? plainSocket(target).socket : await agentSocket(agent, target, signal)
  const unlisten = onAbort(signal, () => socket.destroy(signal.reason as Error))
  try {
    if (secure) await once(socket, 'secureConnect')
    else if (socket.connecting) await once(socket, 'connect')
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    unlisten()
  }
}

/** Returns why TLS does not trust the peer; undefined if it does. */
export function distrustOf(socket: Socket): string | undefined {
  const { authorized, authorizationError } = socket as TLSSocket
  if (authorized !== false) return undefined
  // Node types this as Error; it is OpenSSL's code, or an error with a code.
  const reason = authorizationError as unknown as NodeJS.ErrnoException | string | null
  return typeof reason === 'string' ? reason : (reason?.code ?? 'unknown')
}

/**
 * Sends a request without a signature and returns the answer's `Date` header in Unix milliseconds; undefined if it has
 * none.
 */
export async function dateOf(
  socket: Socket,
  { url }: NetworkPeer,
  signal: AbortSignal,
): Promise<number | undefined> {
  const unlisten = onAbort(signal, () => socket.destroy(signal.reason as Error))
  try {
    socket.write(`GET / HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`)
    let head = ''
    for await (const chunk of socket) {
      head += (chunk as Buffer).toString('latin1')
      if (head.includes('\r\n\r\n') || head.length > MAX_HEAD_BYTES) break
    }
    const date = Date.parse(/^date:\s*(.+?)\s*$/im.exec(head)?.[1] ?? '')
    return Number.isNaN(date) ? undefined : date
  } finally {
    unlisten()
    socket.destroy()
  }
}
