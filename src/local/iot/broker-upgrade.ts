import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { SigningIdentity } from '../../aws/credentials.js'
import { verifyPresigned } from '../../aws/verify-query.js'

/** The requirements for a WebSocket upgrade. */
export interface BrokerUpgradeRules<I extends SigningIdentity> {
  readonly region: string
  /** Absent if no signature is required. */
  readonly identities: readonly I[] | undefined
  /** Unix milliseconds. */
  readonly now: number
}

/** The decision on an upgrade: the client's identity, if known, or the status that refuses it. */
export type UpgradeDecision<I> =
  | { readonly admitted: true; readonly identity?: I }
  | { readonly admitted: false; readonly status: 400 | 403 | 404; readonly detail: string }

/** Decides on an upgrade request as AWS IoT's data endpoint does. */
export function decideUpgrade<I extends SigningIdentity>(
  request: IncomingMessage,
  { region, identities, now }: BrokerUpgradeRules<I>,
): UpgradeDecision<I> {
  const { url = '', headers } = request
  const path = url.split('?', 1)[0]
  if (path !== '/mqtt') return { admitted: false, status: 404, detail: `the path is '${path}', not '/mqtt'` }
  const subprotocols = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  if (!subprotocols.includes('mqtt')) {
    return { admitted: false, status: 400, detail: "the subprotocol 'mqtt' is not offered" }
  }
  if (!identities) return { admitted: true }
  const verified = verifyPresigned({ url, headers }, { region, service: 'iotdevicegateway', identities, now })
  return 'fault' in verified
    ? { admitted: false, status: 403, detail: verified.fault }
    : { admitted: true, identity: verified.identity }
}

/** Answers an upgrade with an error, and with the time, so that a client can correct its clock. */
export function refuseBrokerUpgrade(socket: Duplex, status: number, now: number): void {
  const reason = STATUS_CODES[status] ?? ''
  const body = JSON.stringify({ message: reason })
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nDate: ${new Date(now).toUTCString()}\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
}
