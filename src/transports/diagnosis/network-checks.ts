import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../core/base/clock.js'
import { TetherError } from '../../core/base/errors.js'
import { printable } from '../../core/base/printable.js'
import type { Finding, TransportCheck } from '../../core/contracts/diagnosis.js'
import { networkAdvice } from '../../network/advice.js'
import { proxyFor } from '../../network/named-proxy.js'
import { hostOf } from '../socket/plain-socket.js'
import { connectPeer, dateOf, distrustOf, isSecure, isWeb, type NetworkPeer } from './peer.js'

/** The connection to check, and the clock to use. */
export interface NetworkToCheck {
  /** The URL's scheme, known before the address: tells whether there is TLS, and HTTP. */
  readonly protocol: string
  /** Known when the check `endpoint` has passed. */
  peer(): NetworkPeer
  readonly clock: Clock
  /** Advice for a host that resolves to private addresses. */
  readonly privateAddress?: string
}

// Up to this difference between the clocks, a stub's first message counts as new.
const TOLERANCE_MS = 30_000

const PRIVATE = new BlockList()
PRIVATE.addSubnet('10.0.0.0', 8)
PRIVATE.addSubnet('172.16.0.0', 12)
PRIVATE.addSubnet('192.168.0.0', 16)
PRIVATE.addSubnet('100.64.0.0', 10)
PRIVATE.addSubnet('fc00::', 7, 'ipv6')

/** Proxy, name resolution, socket or TLS, and the clock: in the order in which a connection meets them. */
export function networkChecks(network: NetworkToCheck): TransportCheck[] {
  const socket = isSecure({ url: new URL(`${network.protocol}//host`) }) ? 'tls' : 'socket'
  return [
    { id: 'proxy', needs: ['endpoint'], run: () => checkProxy(network) },
    { id: 'resolve', needs: ['endpoint', 'proxy'], run: () => checkResolve(network) },
    { id: socket, needs: ['proxy', 'resolve'], run: (signal) => checkSocket(network, signal) },
    ...(/^ws/.test(network.protocol)
      ? [{ id: 'clock', needs: [socket], run: (signal: AbortSignal) => checkPeerClock(network, signal) }]
      : []),
  ]
}

/**
 * Describes the proxy or agent on the way; undefined on a direct way.
 * @throws TetherError `MISSING_DEPENDENCY`, `INVALID_OPTION`
 */
async function wayOf(peer: NetworkPeer): Promise<string | undefined> {
  const { agent, url } = peer
  if (agent === false) return undefined
  if (agent !== undefined) return `the 'agent' that the transport was given (${agent.constructor.name})`
  if (!isSecure(peer) && !isWeb(peer)) return undefined
  const proxy = await proxyFor(url, isSecure(peer))
  return proxy && `the proxy ${proxy.url.host}, which ${proxy.variable} names`
}

async function checkProxy(network: NetworkToCheck): Promise<Finding> {
  const peer = network.peer()
  const way = await wayOf(peer)
  if (way !== undefined) return { outcome: 'ok', seen: `By ${way}.` }
  return { outcome: 'ok', seen: `None${peer.agent === false ? ", since 'agent' is false" : ''}.` }
}

async function checkResolve(network: NetworkToCheck): Promise<Finding> {
  const peer = network.peer()
  const host = hostOf(peer.url)
  if (isIP(host) !== 0) return { outcome: 'ok', seen: `${host} is an address.` }
  const way = await wayOf(peer)
  if (way !== undefined) return { outcome: 'ok', seen: `Left to ${way}.` }
  try {
    const addresses = (await lookup(host, { all: true })).map(({ address }) => address)
    const seen = `${host} is ${addresses.join(', ')}.`
    const isPrivate = addresses.every((one) => PRIVATE.check(one, isIP(one) === 6 ? 'ipv6' : 'ipv4'))
    const { privateAddress: advice } = network
    return isPrivate && advice !== undefined
      ? { outcome: 'warning', seen, advice, details: { addresses } }
      : { outcome: 'ok', seen, details: { addresses } }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const advice = `Check the name.${networkAdvice({ host, code })}`
    return { outcome: 'failed', seen: `${host} does not resolve: ${message}.`, advice, details: { code } }
  }
}

async function checkSocket(network: NetworkToCheck, signal: AbortSignal): Promise<Finding> {
  const peer = network.peer()
  const { agent, url } = peer
  try {
    const socket = await connectPeer(peer, signal)
    const finding: Finding = isSecure(peer)
      ? certificateFinding(socket as TLSSocket, peer)
      : { outcome: 'ok', seen: `${url.host} takes connections; no TLS.` }
    socket.destroy()
    return finding
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof TetherError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const advice = networkAdvice({ host: hostOf(url), code, agent }).trim()
    const seen = `${url.host} cannot be reached: ${printable(message || code)}.`
    return { outcome: 'failed', seen, ...(advice && { advice }), details: { code } }
  }
}

function certificateFinding(socket: TLSSocket, { rejectUnauthorized, agent }: NetworkPeer): Finding {
  const { issuer, valid_to: until } = socket.getPeerCertificate()
  const names = [issuer?.O, issuer?.CN].filter((name) => name !== undefined)
  const by = `${socket.getProtocol()}, certificate by ${printable(names.join(', ') || 'an issuer without a name', 200)}, until ${printable(until)}`
  const code = distrustOf(socket)
  if (code === undefined) return { outcome: 'ok', seen: `${by}.` }
  const seen = `${by}, which is not trusted (${printable(code)})`
  if (rejectUnauthorized === false)
    return { outcome: 'warning', seen: `${seen}, and taken since 'rejectUnauthorized' is false.` }
  const advice =
    networkAdvice({ code, agent }).trim() ||
    "Check the certificate's names and dates, and this machine's clock."
  return { outcome: 'failed', seen: `${seen}.`, advice, details: { code } }
}

async function checkPeerClock(network: NetworkToCheck, signal: AbortSignal): Promise<Finding> {
  const peer = network.peer()
  const socket = await connectPeer(peer, signal)
  const asked = network.clock.now()
  const date = await dateOf(socket, peer, signal)
  if (date === undefined) return { outcome: 'unknown', seen: `${peer.url.host} tells no time.` }
  // The `Date` header is the time of the answer, in whole seconds.
  const offsetMs = Math.round((asked + network.clock.now()) / 2 - (date + 500))
  const seconds = Math.round(Math.abs(offsetMs) / 1000).toLocaleString('en-US')
  const details = { offsetMs }
  if (Math.abs(offsetMs) <= TOLERANCE_MS)
    return { outcome: 'ok', seen: `Within ${seconds} s of ${peer.url.host}'s.`, details }
  const seen = `This machine's clock is ${seconds} s ${offsetMs > 0 ? 'ahead of' : 'behind'} ${peer.url.host}'s.`
  const advice =
    "Set the clock. Signatures are corrected by what AWS answers; credentials' ends, and who of two sessions is the newer, are not."
  return { outcome: 'warning', seen, advice, details }
}
