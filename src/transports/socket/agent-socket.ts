import { EventEmitter } from 'node:events'
import type { Agent, ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { onAbort } from '../../core/base/abort.js'
import type { RequestAgent } from '../../network/agent-option.js'
import { type SocketTarget, tlsOptions } from './plain-socket.js'

/**
 * Gets a TCP or TLS socket from an HTTP agent; it may still be connecting.
 * @throws the agent's error; the signal's reason
 */
export async function agentSocket(agent: Agent, target: SocketTarget, signal: AbortSignal): Promise<Socket> {
  const { host, port, secure } = target
  const tls = secure ? tlsOptions(target) : {}
  const request = new SocketRequest()
  // `secureEndpoint` is for agents that derive from `agent-base`: we start TLS over their tunnel ourselves.
  const options = { servername: '', ...tls, host, port, secureEndpoint: false }
  ;(agent as unknown as RequestAgent).addRequest(request as unknown as ClientRequest, options)
  const unlisten = onAbort(signal, () => request.destroy(signal.reason as Error))
  const given = await request.granted.finally(unlisten)
  given.setNoDelay(true)
  return secure && !isHandshaking(given) ? connectTls({ ...tls, host, socket: given }) : given
}

/**
 * Whether the TLS handshake with the target is in progress, as an https.Agent begins it. A tunnel through an `https://`
 * proxy is a TLS socket too, but its handshake is done.
 */
function isHandshaking(socket: Socket): boolean {
  return socket instanceof TLSSocket && (socket as { secureConnecting?: boolean }).secureConnecting === true
}

/** The part of Node's ClientRequest that an agent uses. */
class SocketRequest extends EventEmitter {
  readonly shouldKeepAlive = false
  destroyed = false
  reusedSocket = false
  #settle: { resolve(socket: Socket): void; reject(error: Error): void } | undefined
  readonly granted: Promise<Socket> = new Promise((resolve, reject) => {
    this.#settle = { resolve, reject }
  })

  getHeader(): undefined {}

  /** The agent's answer. */
  onSocket(socket: Socket | null | undefined, error?: Error): void {
    // Detaches the socket from the agent, which then neither counts it nor keeps it for other requests.
    socket?.emit('agentRemove')
    if (!socket || this.destroyed) {
      socket?.destroy()
      this.#settle!.reject(error ?? new Error('the agent gave no socket'))
    } else this.#settle!.resolve(socket)
  }

  destroy(error: Error): void {
    this.destroyed = true
    this.#settle!.reject(error)
  }
}
