import { TetherError } from '../core/base/errors.js'

/** A proxy, as named in messages. */
export interface ProxyName {
  /** Host and port. */
  readonly address?: string | undefined
  /** The source of the proxy: a variable or the option `agent`. */
  readonly namedBy: string
}

/**
 * The error for a proxy that answered CONNECT with a status other than 200.
 * @param target host and port of the request
 */
export function proxyRefused(proxy: ProxyName, target: string, proxyStatus: number): TetherError {
  return new TetherError(
    'UNREACHABLE',
    `The proxy ${words(proxy)} refused to connect to ${target}, with status ${proxyStatus}. ${adviceFor(proxy, proxyStatus)}`,
    { details: { during: 'proxy', proxyStatus, proxy: proxy.address } },
  )
}

/** The error for an unreachable proxy. */
export function proxyUnreachable(proxy: ProxyName, cause: unknown): TetherError {
  const { message, code } = cause as NodeJS.ErrnoException
  return new TetherError(
    'UNREACHABLE',
    `The proxy ${words(proxy)} cannot be reached: ${message || code || 'no reason given'}. Check ${proxy.namedBy}.`,
    { cause, details: { during: 'proxy', proxy: proxy.address } },
  )
}

function words({ address, namedBy }: ProxyName): string {
  return address === undefined ? `of ${namedBy}` : `${address} (${namedBy})`
}

function adviceFor({ namedBy }: ProxyName, status: number): string {
  if (status === 407) {
    return `It wants a user name and a password: write http://user:password@host:port into ${namedBy}, percent-encoded.`
  }
  if (status === 401 || status === 403) {
    return 'Ask for this host to be allowed there, or put it into NO_PROXY if it can be reached directly.'
  }
  return 'Check that the host exists and that the proxy can reach it, or put it into NO_PROXY if it can be reached directly.'
}
