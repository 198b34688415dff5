import type { AgentOptions } from './agent-option.js'
import { isLoopback, namesProxy } from './named-proxy.js'

/** A failure to connect. */
export interface ConnectFailure extends AgentOptions {
  /** @default unknown, and assumed to be another machine */
  readonly host?: string | undefined
  /** The system's or OpenSSL's code. */
  readonly code: string | undefined
  /** Whether the caller has an option `ca` to suggest. */
  readonly takesCa?: boolean
}

// https://nodejs.org/api/tls.html#x509-certificate-error-codes
const UNTRUSTED = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_UNTRUSTED',
]
// A network that requires a proxy resolves no outside names, or drops or rejects the packets.
const SHUT = ['ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'ENETUNREACH', 'EHOSTUNREACH', 'TimeoutError']

/** Returns advice on a failure, with a leading space; empty if the code suggests no network problem. */
export function networkAdvice({ host, code = '', agent, takesCa = true }: ConnectFailure): string {
  if (UNTRUSTED.includes(code)) {
    const ways = `${takesCa ? "pass its certificate as 'ca', or " : ''}name the file of its certificate in NODE_EXTRA_CA_CERTS`
    return ` The certificate is not trusted. Where a proxy inspects TLS, or the server has a certificate authority of its own, ${ways}.`
  }
  const direct = agent === undefined && !namesProxy()
  if (!SHUT.includes(code) || !direct || (host !== undefined && isLoopback(host))) return ''
  return " Behind a proxy, set HTTPS_PROXY or pass 'agent'."
}
