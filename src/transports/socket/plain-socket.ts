import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** Where a socket connects to, and whom it trusts. */
export interface SocketTarget {
  readonly host: string
  readonly port: number
  /** TLS, not plain TCP. */
  readonly secure: boolean
  /** What follows, by TLS's name for it. @default nothing is said */
  readonly alpn?: string
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** @default true */
  readonly rejectUnauthorized?: boolean | undefined
}

/** A TCP or TLS socket without Nagle's delay, and when it is connected. */
export function plainSocket(target: SocketTarget): { socket: Socket; connected: Promise<void> } {
  const { host, port, secure } = target
  const socket = secure ? connectTls({ host, port, ...tlsOptions(target) }) : connectTcp({ host, port })
  socket.setNoDelay(true)
  return {
    socket,
    connected: new Promise((resolve) => socket.once(secure ? 'secureConnect' : 'connect', resolve)),
  }
}

/** What TLS to a target is begun with. */
export function tlsOptions({
  host,
  alpn,
  ca,
  cert,
  key,
  rejectUnauthorized,
}: SocketTarget): ConnectionOptions {
  return {
    ca,
    cert,
    key,
    rejectUnauthorized,
    ...(alpn !== undefined && { ALPNProtocols: [alpn] }),
    ...(isIP(host) === 0 && { servername: host }),
  }
}

/** A URL's host as sockets want it: it keeps the brackets of an IPv6 address. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}
