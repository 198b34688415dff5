import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** Where a socket connects to, and its TLS options. */
export interface SocketTarget {
  readonly host: string
  readonly port: number
  /** TLS, not plain TCP. */
  readonly secure: boolean
  /** The protocol on top of TLS, by its ALPN name. @default none is announced */
  readonly alpn?: string
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** @default true */
  readonly rejectUnauthorized?: boolean | undefined
}

/** Opens a TCP or TLS socket without Nagle's delay; `connected` resolves when it is ready. */
export function plainSocket(target: SocketTarget): { socket: Socket; connected: Promise<void> } {
  const { host, port, secure } = target
  const socket = secure ? connectTls({ host, port, ...tlsOptions(target) }) : connectTcp({ host, port })
  socket.setNoDelay(true)
  return {
    socket,
    connected: new Promise((resolve) => socket.once(secure ? 'secureConnect' : 'connect', resolve)),
  }
}

/** Returns the TLS options for a target. */
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

/** Returns a URL's host for a socket: without the brackets that URL keeps around an IPv6 address. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}
